/** A session that the guest owner made, and what became of it; plain data. */
export interface OwnerSession {
  /** 16 bytes, as TIK. */
  readonly tek: Uint8Array;
  readonly tik: Uint8Array;
  /** A measurement came, good or bad: a session is good for one launch. */
  spent: boolean;
  /** MEASURE, 32 bytes, once a measurement was accepted. */
  measure: Uint8Array | undefined;
}

/** The session of that number. An owner has those of every offer it made, and so have its forks. */
export function sessionOf(sessions: readonly OwnerSession[], number: number): OwnerSession {
  const session = sessions[number];
  if (session === undefined) throw new Error(`this guest owner never made session ${number}`);
  return session;
}
