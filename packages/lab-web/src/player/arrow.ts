import type { Step } from '@sevlab/story/steps';
import { type Lane, laneOf, type Party, partyOf } from './lanes.ts';

/** How a step is drawn: between two lanes, and whether what passes is noise to whoever carries it. */
export interface Arrow {
  readonly from: number;
  readonly to: number;
  readonly party: Party;
  readonly refused: boolean;
  /** Ciphertext passes or is left in memory. */
  readonly noise: boolean;
  /** Lanes besides `from` and `to` whose memory use the step has: drawn thin. */
  readonly aside?: { readonly from: number; readonly to: number; readonly noise: boolean };
}

/** The arrow of a step in these lanes. */
export function arrowOf(lanes: readonly Lane[], step: Step): Arrow {
  const memory = laneOf(lanes, 'memory');
  const worker = step.kind === 'command' ? 'amd-sp' : step.actor;
  const touches = [...(step.writes ?? []), ...(step.reads ?? [])].filter(({ actor }) => actor === worker);
  const isPrivate = touches.some(({ view }) => view === 'private');
  const aside =
    step.kind === 'command' && touches.length > 0
      ? { from: laneOf(lanes, 'amd-sp'), to: memory, noise: isPrivate }
      : undefined;
  return {
    from: laneOf(lanes, step.actor),
    to: laneOf(lanes, step.to),
    party: partyOf(step.actor),
    refused: step.decidedBy !== undefined || step.title.includes(': refused'),
    noise: step.kind === 'message' && step.title.includes('sealed'),
    ...(aside && { aside }),
  };
}
