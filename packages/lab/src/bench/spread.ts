/** A measured quantity over several runs. Half of the runs lie between `low` and `high`. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly runs: number;
}

/** Median and quartiles of at least one number. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => {
    const place = (sorted.length - 1) * part;
    const below = sorted[Math.floor(place)]!; // there is at least one
    return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75), runs: sorted.length };
}

/** The same spread in another unit; a negative power turns it around. */
export function mapSpread(spread: Spread, change: (value: number) => number): Spread {
  const [low, high] = [change(spread.low), change(spread.high)].toSorted((a, b) => a - b);
  return { median: change(spread.median), low: low!, high: high!, runs: spread.runs }; // two went in
}
