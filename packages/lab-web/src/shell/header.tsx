import { useState } from 'preact/hooks';
import { type Route, routeHash } from '../route.ts';
import { currentTheme, showTheme } from './theme.ts';

interface HeaderProps {
  readonly route: Route;
  readonly onHelp: () => void;
}

const VIEWS: readonly { readonly title: string; readonly route: Route }[] = [
  { title: 'Tour', route: { view: 'tour', stop: 0 } },
  { title: 'Attacks', route: { view: 'attacks' } },
  { title: 'Exercises', route: { view: 'exercises' } },
  { title: 'Live', route: { view: 'live' } },
  { title: 'Traces', route: { view: 'play', scenario: 'kernel-documentation', at: { step: 0 } } },
  { title: 'Reference', route: { view: 'reference' } },
];

export const Header = ({ route, onHelp }: HeaderProps) => (
  <header class="head">
    <h1>sevlab</h1>
    <span class="simulated" title="No key here protects anything: every part of the machine is simulated.">
      simulated
    </span>
    <nav aria-label="Views">
      <ul>
        {VIEWS.map(({ title, route: to }) => (
          <li key={title}>
            <a href={routeHash(to)} aria-current={to.view === route.view ? 'page' : undefined}>
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
    <span class="ends">
      <ShareButton />
      <button type="button" class="quiet" onClick={onHelp} title="Keys (?)">
        Keys
      </button>
      <ThemeButton />
    </span>
  </header>
);

/** Copies the link of what is shown: seed, scenario, step and byte are all in it. */
function ShareButton() {
  const [copied, setCopied] = useState(false);
  const share = () =>
    navigator.clipboard.writeText(location.href).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 2000);
      },
      () => prompt('The link of what is shown:', location.href),
    );
  return (
    <>
      <span role="status" class="copied">
        {copied && 'Copied'}
      </span>
      <button type="button" class="quiet" onClick={share}>
        Copy link
      </button>
    </>
  );
}

export function ThemeButton() {
  const [theme, setTheme] = useState(currentTheme);
  const other = theme === 'light' ? 'dark' : 'light';
  return (
    <button
      type="button"
      class="quiet"
      onClick={() => {
        showTheme(other, true);
        setTheme(other);
      }}
    >
      {other === 'dark' ? '◐ Dark' : '◑ Light'}
    </button>
  );
}
