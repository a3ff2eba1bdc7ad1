import { STAGES, type Stage } from '@sevlab/story/stages';
import type { Step } from '@sevlab/story/steps';

/** One row of the sequence: the heading of a stage, or a step. */
export type Row = { readonly stage: Stage } | { readonly step: Step };

/** Steps with a heading wherever the stage changes. */
export function rowsOf(steps: readonly Step[]): Row[] {
  const rows: Row[] = [];
  let before: string | undefined;
  for (const step of steps) {
    const stage = STAGES.find(({ id }) => id === step.stage);
    if (step.stage !== before && stage !== undefined) rows.push({ stage });
    before = step.stage;
    rows.push({ step });
  }
  return rows;
}

/** The row of each step, by the step's index. */
export function rowOfSteps(rows: readonly Row[]): readonly number[] {
  const found: number[] = [];
  for (const [i, row] of rows.entries()) if ('step' in row) found[row.step.index] = i;
  return found;
}
