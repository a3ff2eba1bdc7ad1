import type { CaseThread } from './case-thread.ts';
import type { Failure } from './failure.ts';

/** More tries than this help nobody who reads the result. */
const TRIES = 400;
/** Each of these costs the time limit of a case. */
const HANGS = 6;

/** The way to a smallest case that fails alike: each time the first of the smaller ones that does. */
export async function shrinkCase(
  thread: CaseThread,
  door: string,
  index: number,
  failure: Failure,
): Promise<{ readonly path: readonly number[]; readonly failure: Failure }> {
  let smallest = { path: [] as readonly number[], failure };
  let [tries, hangs] = [0, 0];
  for (let next = 0; tries < TRIES && hangs < HANGS; tries++) {
    const path = [...smallest.path, next];
    const answer = await thread.run({ kind: 'case', door, index, path });
    if (answer.kind === 'case' && answer.failure === undefined && answer.outcome === undefined) break;
    const found = answer.kind === 'case' || answer.kind === 'fallen' ? answer.failure : undefined;
    if (answer.kind === 'fallen') hangs++;
    if (found?.signature === failure.signature) {
      smallest = { path, failure: found };
      next = 0;
    } else {
      next++;
    }
  }
  return smallest;
}
