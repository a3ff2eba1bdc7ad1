import type { Timers } from '@sevlab/lab/server/timers';

interface Waiting {
  readonly every: number;
  next: number;
  readonly callback: () => void;
}

/** Time that moves by hand only. */
export class HandTimers implements Timers {
  #now = 0;
  readonly #waiting = new Set<Waiting>();

  now(): number {
    return this.#now;
  }

  every(milliseconds: number, callback: () => void): () => void {
    const waiting = { every: milliseconds, next: this.#now + milliseconds, callback };
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }

  /** How many callbacks wait. */
  get size(): number {
    return this.#waiting.size;
  }

  pass(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [first] = [...this.#waiting].filter(({ next }) => next <= end).sort((a, b) => a.next - b.next);
      if (first === undefined) break;
      this.#now = first.next;
      first.next += first.every;
      first.callback();
    }
    this.#now = end;
  }
}
