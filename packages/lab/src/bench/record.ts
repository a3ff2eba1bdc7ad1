import type { Measured } from './figure.ts';

/** A figure is clearly worse when its costs are so many times those of the record: far outside of the noise. */
const CLEARLY = 3;

/** Cost ratios by the names of figures, as they were once. */
export type BenchRecord = Readonly<Record<string, number>>;

/** What a record keeps of figures. */
export const recordOf = (figures: readonly Measured[]): BenchRecord =>
  Object.fromEntries(
    figures.flatMap((figure) =>
      'costRatio' in figure && figure.costRatio !== undefined
        ? [[figure.name, Number(figure.costRatio.median.toPrecision(3))]]
        : [],
    ),
  );

/** One line for each figure that is clearly worse than in the record; what the record does not know is not judged. */
export function regressions(record: BenchRecord, figures: readonly Measured[]): string[] {
  return Object.entries(recordOf(figures)).flatMap(([name, now]) => {
    const before = record[name];
    if (before === undefined || now <= before * CLEARLY) return [];
    return [
      `${name}: costs ${now} times its reference; the record has ${before}, and allows ${before * CLEARLY}`,
    ];
  });
}

/**
 * The same, of figures by subject; a subject with a figure that is clearly worse is measured `again`, and counts if it
 * is so twice: something else may have used the machine.
 */
export async function lastingRegressions(
  record: BenchRecord,
  subjects: ReadonlyMap<string, readonly Measured[]>,
  again: (subject: string) => Promise<readonly Measured[]>,
): Promise<string[]> {
  const lasting: string[] = [];
  for (const [subject, figures] of subjects) {
    if (regressions(record, figures).length === 0) continue;
    lasting.push(...regressions(record, await again(subject)));
  }
  return lasting;
}
