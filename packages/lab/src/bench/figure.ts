import type { Comparison } from './compare.ts';
import type { Spread } from './spread.ts';

/** What a figure should be; `times` is a ratio without unit. */
export interface Target {
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One figure of the benchmark. */
export interface Figure {
  /** Such as `encryption-4mib`; the record of CI knows it by this name. */
  readonly name: string;
  /** What was measured, in words. */
  readonly what: string;
  /** What it is held against. */
  readonly reference: string;
  /** `times`: ours divided by the reference. */
  readonly unit: 'times' | 'per second and core' | 'KiB' | 'MiB per MiB';
  readonly value: Spread;
  /** Absent where nothing is promised. */
  readonly target?: Target;
  /** Whether the median reaches the target. */
  readonly met?: boolean;
  /**
   * Costs divided by those of a primitive of node:crypto in the same process: comparable between machines, and larger
   * when something became slower.
   */
  readonly costRatio?: Spread;
  /** Milliseconds of processor time of one piece of work. */
  readonly ours?: Spread;
  readonly referenceTime?: Spread;
}

/** A figure that this machine cannot have. */
export interface Missing {
  readonly name: string;
  readonly what: string;
  readonly missing: string;
}

export type Measured = Figure | Missing;

/** Completes a figure: whether its median reaches the target. */
export function judged(figure: Omit<Figure, 'met'>): Figure {
  const { target, value } = figure;
  if (target === undefined) return figure;
  const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = target;
  return { ...figure, met: value.median <= atMost && value.median >= atLeast };
}

/** A figure that is the ratio of a comparison itself. */
export const ratioFigure = (
  {
    name,
    what,
    reference,
    target,
  }: Pick<Figure, 'name' | 'what' | 'reference'> & { readonly target?: Target },
  { ratio, ours, reference: referenceTime }: Comparison,
): Figure =>
  judged({
    ...{ name, what, reference, unit: 'times', value: ratio, costRatio: ratio, ours, referenceTime },
    ...(target && { target }),
  });
