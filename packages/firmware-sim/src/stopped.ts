/** The firmware cannot go on. `reason` says in words what it expected and what it found. */
export interface Stopped {
  readonly kind: 'stopped';
  readonly reason: string;
}

export const stopped = (reason: string): Stopped => ({ kind: 'stopped', reason });
