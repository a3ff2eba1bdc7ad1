/** What the server asks of time. */
export interface Timers {
  /** Milliseconds; only differences mean something. */
  now(): number;
  /** Calls back every so many milliseconds, until the function that it returns is called. */
  every(milliseconds: number, callback: () => void): () => void;
}

/** Timers that keep no process alive. */
export const SYSTEM_TIMERS: Timers = {
  now: () => performance.now(),
  every: (milliseconds, callback) => {
    const timer = setInterval(callback, milliseconds).unref();
    return () => clearInterval(timer);
  },
};
