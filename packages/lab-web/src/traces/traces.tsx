import { useState } from 'preact/hooks';
import { getJson } from '../api.ts';
import { useScenario } from '../lessons/use-scenario.ts';
import { type LoadedTrace, loadTrace } from '../loaded-trace.ts';
import { Player } from '../player/player.tsx';
import type { PlayerPlace, Route } from '../route.ts';
import { FromLab } from '../shell/from-lab.tsx';
import { useLoaded } from '../shell/use-loaded.ts';

type TracesRoute = Extract<Route, { readonly view: 'play' }>;

interface TracesProps {
  readonly route: TracesRoute;
  readonly go: (route: Route, how?: 'replace') => void;
}

/** Any shipped scenario, played; or a trace file of the reader's. */
export function Traces({ route, go }: TracesProps) {
  const loaded = useScenario(route.scenario, route.seed);
  const [opened, setOpened] = useState<LoadedTrace & { readonly name: string }>();
  const [at, setAt] = useState<PlayerPlace>({ step: 0 });
  const choice = (
    <TraceChoice
      route={route}
      go={(next) => {
        setOpened(undefined);
        go(next);
      }}
      opened={opened?.name}
      onOpened={(trace, name) => {
        setAt({ step: 0 });
        setOpened({ ...trace, name });
      }}
    />
  );
  if (opened !== undefined) {
    return (
      <Player trace={opened} at={at} onPlace={setAt}>
        {choice}
      </Player>
    );
  }
  return (
    <FromLab loaded={loaded}>
      {(trace) => (
        <Player trace={trace} at={route.at} onPlace={(place) => go({ ...route, at: place }, 'replace')}>
          {choice}
        </Player>
      )}
    </FromLab>
  );
}

/** A scenario as the lab lists it. */
interface ListedScenario {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly group: string;
}

interface TraceChoiceProps {
  readonly route: TracesRoute;
  readonly go: (route: Route) => void;
  /** Name of the file that is shown instead. */
  readonly opened: string | undefined;
  readonly onOpened: (trace: LoadedTrace, name: string) => void;
}

function TraceChoice({ route, go, opened, onOpened }: TraceChoiceProps) {
  const loaded = useLoaded('scenarios', () => getJson<readonly ListedScenario[]>('scenarios'));
  const [failure, setFailure] = useState('');
  const { scenario, seed } = route;
  const play = (id: string, withSeed?: string) =>
    go({ view: 'play', scenario: id, ...(withSeed && { seed: withSeed }), at: { step: 0 } });
  const open = async (file: File) => {
    setFailure('');
    try {
      const trace = loadTrace(await file.text());
      if (trace.steps.length === 0) setFailure(`${file.name} has no event`);
      else onOpened(trace, file.name);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      setFailure(`${file.name}: ${error.message}`);
    }
  };
  return (
    <article class="lesson">
      <h2>Traces</h2>
      <FromLab loaded={loaded}>
        {(scenarios) => (
          <>
            <label class="field">
              Scenario
              <select value={scenario} onChange={({ currentTarget }) => play(currentTarget.value, seed)}>
                {[...new Set(scenarios.map(({ group }) => group))].map((group) => (
                  <optgroup key={group} label={group}>
                    {scenarios
                      .filter((each) => each.group === group)
                      .map(({ id, title }) => (
                        <option key={id} value={id}>
                          {title}
                        </option>
                      ))}
                  </optgroup>
                ))}
              </select>
            </label>
            <p>{opened === undefined && scenarios.find(({ id }) => id === scenario)?.about}</p>
          </>
        )}
      </FromLab>
      <label class="field">
        Seed
        <input
          class="mono"
          value={seed ?? ''}
          placeholder="that of the file"
          onChange={({ currentTarget }) => play(scenario, currentTarget.value)}
        />
      </label>
      <label class="field">
        or a trace file of yours
        <input
          type="file"
          onChange={({ currentTarget: { files } }) => {
            const file = files?.[0];
            if (file) void open(file);
          }}
        />
      </label>
      {failure && (
        <p class="notice" role="alert">
          {failure}
        </p>
      )}
      {opened === undefined && (
        <p class="clause">
          In a terminal: <code>sevlab run packages/lab/scenarios/{scenario}.yaml</code>
        </p>
      )}
    </article>
  );
}
