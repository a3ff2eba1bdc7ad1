import { render } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { loadTrace } from './loaded-trace.ts';
import { Player } from './player/player.tsx';
import type { PlayerPlace } from './route.ts';
import { ThemeButton } from './shell/header.tsx';
import { Help } from './shell/help.tsx';
import { currentTheme, showTheme } from './shell/theme.ts';
import { useKeys } from './shell/use-keys.ts';

/** One run in the file: `sevlab run --report` writes an array of these into the element `runs`. */
interface ReportedRun {
  readonly name: string;
  /** What the run should have given and did not, in lines; empty when it is as expected. */
  readonly deviations: readonly string[];
  /** Absent when it could not be run. */
  readonly trace?: string;
}

/** The player over the runs of this file: no server, no network. */
function Report({ runs }: { readonly runs: readonly ReportedRun[] }) {
  const [chosen, setChosen] = useState(0);
  const [at, setAt] = useState<PlayerPlace>({ step: 0 });
  const [help, setHelp] = useState(false);
  useKeys({ '?': () => setHelp(true) });
  const run = runs[chosen]!; // the list below chooses among them
  const trace = useMemo(() => (run.trace === undefined ? undefined : loadTrace(run.trace)), [run]);
  const hasSteps = trace !== undefined && trace.steps.length > 0;
  return (
    <>
      <header class="head">
        <h1>sevlab</h1>
        <span class="simulated">simulated</span>
        <label class="run-choice">
          <span class="sr-only">Run</span>
          <select
            value={chosen}
            onChange={({ currentTarget }) => {
              setChosen(Number(currentTarget.value));
              setAt({ step: 0 });
            }}
          >
            {runs.map(({ name, deviations }, i) => (
              <option key={name} value={i}>
                {deviations.length === 0 ? '✔' : '✘'} {name}
              </option>
            ))}
          </select>
        </label>
        <span class="ends">
          <button type="button" class="quiet" onClick={() => setHelp(true)}>
            Keys
          </button>
          <ThemeButton />
        </span>
      </header>
      <main id="main" class="view">
        {hasSteps ? (
          <Player trace={trace} at={at} onPlace={setAt}>
            <RunSummary run={run} trace={trace} />
          </Player>
        ) : (
          <div class="reading">
            <h2>{run.name}</h2>
            {run.deviations.map((deviation) => (
              <pre key={deviation} class="deviation">
                {deviation}
              </pre>
            ))}
          </div>
        )}
      </main>
      <Help open={help} onClose={() => setHelp(false)} />
    </>
  );
}

/** What was run, and what came of it. */
function RunSummary({
  run: { name, deviations },
  trace: { header, steps },
}: {
  readonly run: ReportedRun;
  readonly trace: ReturnType<typeof loadTrace>;
}) {
  const command = ['sevlab', header.command, ...(header.arguments ?? []), '--seed', header.seed].join(' ');
  return (
    <>
      <h2>{header.scenario}</h2>
      <p class="clause">{name}</p>
      <p class={`answer ${deviations.length === 0 ? 'success' : 'failure'}`}>
        {deviations.length === 0 ? 'As expected' : 'Deviates'}, {steps.length} steps
      </p>
      {deviations.map((deviation) => (
        <pre key={deviation} class="deviation">
          {deviation}
        </pre>
      ))}
      <h3>The same run again</h3>
      <p>
        <code>{command}</code>
      </p>
      <p class="clause">
        sevlab {header.sevlab}.{' '}
        {header.revealed
          ? 'Secrets and keys of the simulation are in this file.'
          : 'Secrets and keys are not in this file: their bytes show as unknown.'}
      </p>
    </>
  );
}

showTheme(currentTheme());
const data = document.getElementById('runs')?.textContent ?? '[]';
const root = document.getElementById('app')!; // the template has it
root.replaceChildren();
render(<Report runs={JSON.parse(data) as ReportedRun[]} />, root);
