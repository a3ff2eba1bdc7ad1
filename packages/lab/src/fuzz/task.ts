import type { Chunk, ChunkResult, Fatal } from './chunk.ts';
import type { Failure } from './failure.ts';

/** The first word of a thread's command line. */
export const FUZZ_THREAD = 'fuzz-thread';

/** What a thread is asked to do. */
export type Task =
  /** `weigh`: whether to tell how much memory is in use afterwards, after a collection. */
  | {
      readonly kind: 'chunk';
      readonly chunk: Chunk;
      readonly fatal: readonly Fatal[];
      readonly weigh: boolean;
    }
  /** One case, or one that is smaller: the nth of those that are smaller, and so on. */
  | { readonly kind: 'case'; readonly door: string; readonly index: number; readonly path: readonly number[] }
  /** The case without running it. */
  | {
      readonly kind: 'show';
      readonly door: string;
      readonly index: number;
      readonly path: readonly number[];
    };

export type Answer =
  | {
      readonly kind: 'chunk';
      readonly result: ChunkResult;
      /** Of the whole chunk, and of its slowest case. */
      readonly milliseconds: number;
      readonly slowest: number;
      /** Bytes. */
      readonly live?: number;
    }
  /** Neither: there is no such smaller case. */
  | { readonly kind: 'case'; readonly outcome?: string; readonly failure?: Failure }
  /** As JSON; `scenario` where one can say it. */
  | { readonly kind: 'show'; readonly input: string; readonly scenario?: string };

/** What a thread is started with. */
export interface ThreadData {
  readonly seed: string;
  /** The index of the case that runs, and a count of cases begun. */
  readonly progress: Int32Array;
}
