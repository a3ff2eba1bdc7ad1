import { getText } from '../api.ts';
import { loadTrace } from '../loaded-trace.ts';
import { Player } from '../player/player.tsx';
import type { PlayerPlace } from '../route.ts';
import { FromLab } from '../shell/from-lab.tsx';
import { useLoaded } from '../shell/use-loaded.ts';

interface TracesProps {
  readonly scenario: string;
  readonly seed?: string | undefined;
  readonly at: PlayerPlace;
  readonly onPlace: (at: PlayerPlace) => void;
}

/** Any shipped scenario, played. */
export function Traces({ scenario, seed, at, onPlace }: TracesProps) {
  const loaded = useLoaded(`${scenario} ${seed ?? ''}`, async () =>
    loadTrace(await getText(traceAddress(scenario, seed))),
  );
  return <FromLab loaded={loaded}>{(trace) => <Player trace={trace} at={at} onPlace={onPlace} />}</FromLab>;
}

/** Where the lab gives the trace of a shipped scenario. */
export const traceAddress = (_scenario: string, seed?: string): string =>
  `demo/trace${seed === undefined ? '' : `?seed=${encodeURIComponent(seed)}`}`;
