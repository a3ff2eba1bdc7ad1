import type { Actor } from '@sevlab/codec/trace';
import type { Selector } from '../selector.ts';
import type { Claim } from './claim.ts';
import type { Look } from './look.ts';

/** One stop of the guided tour. */
export interface TourStop {
  readonly id: string;
  readonly title: string;
  /** Where in the trace of the tour's scenario it stands. */
  readonly at: Selector;
  /** Sentences, two to four. */
  readonly text: readonly string[];
  /** What to look at, and the view that shows it. */
  readonly look: { readonly sentence: string; readonly at: Look };
  /** Who can read the secret now, and why nobody else; nobody where there is none yet. */
  readonly readers: { readonly who: readonly Actor[]; readonly sentence: string };
}

export interface Tour {
  /** A file below packages/lab/scenarios, without its ending. */
  readonly scenario: string;
  readonly stops: readonly TourStop[];
}

/** One of the answers that a student can choose before the run is shown. */
export interface Prediction {
  readonly id: string;
  readonly text: string;
  /** What to say to somebody who chose it. */
  readonly reply: string;
}

/** What became of the attack. */
export interface Reveal {
  /** Whoever stopped it; nobody when it worked. */
  readonly caughtBy: Actor | 'nobody';
  /** The check that caught it, as the trace has it; absent when nobody did. */
  readonly check?: string;
  /** Document and title. */
  readonly clause: string;
  readonly text: readonly string[];
  /** What would have caught it, or keeps it from happening. */
  readonly remedy: string;
  /** Where in the trace to look, and with which view. */
  readonly at: Selector;
  readonly look: Look;
  /** What the text says, for the trace to confirm. */
  readonly claim: Claim;
}

/** An attack: what will happen is asked before it is shown. */
export interface AttackLesson {
  readonly id: string;
  readonly title: string;
  /** A file below packages/lab/scenarios, without its ending. */
  readonly scenario: string;
  /** Another such file, in which the remedy is in place. */
  readonly remedied?: string;
  readonly situation: readonly string[];
  /** Where in the trace the host acts: the run is shown up to here before the question. */
  readonly upTo: Selector;
  readonly question: string;
  /** Three or four; exactly one is right. */
  readonly predictions: readonly Prediction[];
  /** The id of the right one. */
  readonly right: string;
  readonly reveal: Reveal;
}
