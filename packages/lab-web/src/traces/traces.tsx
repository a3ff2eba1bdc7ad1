import { useScenario } from '../lessons/use-scenario.ts';
import { Player } from '../player/player.tsx';
import type { PlayerPlace } from '../route.ts';
import { FromLab } from '../shell/from-lab.tsx';

interface TracesProps {
  readonly scenario: string;
  readonly seed?: string | undefined;
  readonly at: PlayerPlace;
  readonly onPlace: (at: PlayerPlace) => void;
}

/** Any shipped scenario, played. */
export const Traces = ({ scenario, seed, at, onPlace }: TracesProps) => (
  <FromLab loaded={useScenario(scenario, seed)}>
    {(trace) => <Player trace={trace} at={at} onPlace={onPlace} />}
  </FromLab>
);
