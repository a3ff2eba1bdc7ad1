import { HttpProblem } from './http-problem.ts';
import type { Session } from './session.ts';
import type { Timers } from './timers.ts';

/** Why a session ended. */
export type EndReason = 'deleted' | 'idle' | 'server';

export interface SessionLimits {
  /** Sessions at a time. */
  readonly most: number;
  /** Milliseconds without a request that names the session. */
  readonly idle: number;
}

interface Live {
  readonly session: Session;
  usedAt: number;
  readonly onEnd: Set<(reason: EndReason) => void>;
}

/** How often somebody looks for idle sessions. Milliseconds. */
const SWEEP = 1000;
/** Somebody who was refused should not wait for long: sessions are also ended by hand. Seconds. */
const RETRY_MAX = 10;

/** The sessions that live, by id. An id is hard to guess, and whoever knows it may do everything with the session. */
export class Sessions {
  readonly limits: SessionLimits;
  readonly #timers: Timers;
  readonly #live = new Map<string, Live>(); // in the order of their last use
  readonly #stop: () => void;

  constructor(limits: SessionLimits, timers: Timers) {
    this.limits = limits;
    this.#timers = timers;
    this.#stop = timers.every(SWEEP, () => this.#endIdle());
  }

  /** Adds a session, which is made when there is a place for it. Throws HttpProblem. */
  start(create: () => Session): Session {
    this.#expectPlace();
    const session = create();
    this.#live.set(session.id, { session, usedAt: this.#timers.now(), onEnd: new Set() });
    return session;
  }

  #expectPlace(): void {
    this.#endIdle();
    const { most, idle } = this.limits;
    const [oldest] = this.#live.values();
    if (this.#live.size < most) return;
    const left = oldest === undefined ? 0 : oldest.usedAt + idle - this.#timers.now();
    throw new HttpProblem(
      503,
      {
        error: `all ${most} sessions are in use`,
        try: 'again later, or end one with DELETE /api/sessions/ID',
      },
      { retryAfter: Math.min(RETRY_MAX, Math.max(1, Math.ceil(left / 1000))) },
    );
  }

  /** Throws HttpProblem. The session counts as used. */
  get(id: string): Session {
    this.#endIdle();
    const live = this.#live.get(id);
    if (live === undefined)
      throw new HttpProblem(404, {
        error: `there is no session ${id}; it may have ended`,
        field: 'id',
        try: 'POST /api/sessions for another one',
      });
    live.usedAt = this.#timers.now();
    this.#live.delete(id);
    this.#live.set(id, live);
    return live.session;
  }

  /** Calls back when the session ends, until the function that it returns is called. */
  onEnd(id: string, callback: (reason: EndReason) => void): () => void {
    const live = this.#live.get(id);
    live?.onEnd.add(callback);
    return () => live?.onEnd.delete(callback);
  }

  end(id: string, reason: EndReason): void {
    const live = this.#live.get(id);
    this.#live.delete(id);
    for (const callback of live?.onEnd ?? []) callback(reason);
  }

  /** Ends all of them, for good. */
  close(): void {
    this.#stop();
    for (const id of [...this.#live.keys()]) this.end(id, 'server');
  }

  #endIdle(): void {
    const longAgo = this.#timers.now() - this.limits.idle;
    for (const [id, { usedAt }] of this.#live) {
      if (usedAt > longAgo) break;
      this.end(id, 'idle');
    }
  }
}
