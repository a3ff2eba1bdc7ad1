/** Virtual time, as plain data. It moves by rule only, so one seed gives one trace. */
export interface ClockState {
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  now: bigint;
  /** Nanoseconds that pass at each boundary event. */
  readonly perEvent: bigint;
  /** Nanoseconds that pass before each shell command: somebody types it. */
  readonly perCommand: bigint;
}

/** The kernel documentation's transcript starts in this minute. */
export const DEFAULT_START: bigint = BigInt(Date.parse('2022-06-28T11:54:05Z')) * 1_000_000n;

/** A clock that has not moved yet. By default an event takes 1 µs and a command 20 s. */
export const createClock = (options: Partial<ClockState> = {}): ClockState => ({
  now: options.now ?? DEFAULT_START,
  perEvent: options.perEvent ?? 1_000n,
  perCommand: options.perCommand ?? 20_000_000_000n,
});
