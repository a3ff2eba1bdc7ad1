import { useState } from 'preact/hooks';
import { Attacks } from './lessons/attacks.tsx';
import { Exercises } from './lessons/exercises.tsx';
import { Tour } from './lessons/tour.tsx';
import { Live } from './live/live.tsx';
import { Reference } from './reference/reference.tsx';
import { Header } from './shell/header.tsx';
import { Help } from './shell/help.tsx';
import { useKeys } from './shell/use-keys.ts';
import { useRoute } from './shell/use-route.ts';
import { Traces } from './traces/traces.tsx';

/** The whole page. */
export function App() {
  const [route, go] = useRoute();
  const [help, setHelp] = useState(false);
  useKeys({ '?': () => setHelp(true) });
  return (
    <>
      <a class="skip sr-only" href="#main">
        Skip to the content
      </a>
      <Header route={route} onHelp={() => setHelp(true)} />
      <main id="main" class="view" tabIndex={-1}>
        {route.view === 'tour' && <Tour route={route} go={go} />}
        {route.view === 'attacks' && <Attacks route={route} go={go} />}
        {route.view === 'exercises' && <Exercises lesson={route.lesson} />}
        {route.view === 'live' && <Live session={route.session} go={go} />}
        {route.view === 'reference' && <Reference topic={route.topic} />}
        {route.view === 'play' && <Traces route={route} go={go} />}
      </main>
      <Help open={help} onClose={() => setHelp(false)} />
    </>
  );
}
