/** A session as the lab describes it. */
export interface SessionDescription {
  readonly id: string;
  readonly state: SessionState;
  /** The step that is taken next; null when there is none. */
  readonly next: string | null;
  readonly refusal: Refusal | null;
  /** Whether somebody reads what is typed. */
  readonly terminal: boolean;
  readonly part: string;
  readonly profile: string;
  readonly policy: string;
  readonly linux: string;
  readonly seed: string;
  readonly firmware: { readonly sha256: string; readonly size: number };
  readonly secrets: readonly { readonly guid: string; readonly length: number }[];
  readonly secretArea: { readonly gpa: string; readonly size: number } | null;
}

/** Who refused the last step, and why. */
export interface Refusal {
  readonly step: string;
  readonly by: string;
  readonly status?: string;
  readonly reason: string;
}

/** The honest way, state by state. */
export const STATES = [
  { state: 'offered', title: 'Offer', what: 'certificates, session' },
  { state: 'launched', title: 'Launch', what: 'START, ACTIVATE, UPDATE_DATA' },
  { state: 'measured', title: 'Measure', what: 'LAUNCH_MEASURE' },
  { state: 'attested', title: 'Attest', what: 'the guest owner compares' },
  { state: 'sealed', title: 'Seal', what: 'the secrets become a packet' },
  { state: 'injected', title: 'Inject', what: 'LAUNCH_SECRET' },
  { state: 'finished', title: 'Finish', what: 'LAUNCH_FINISH' },
  { state: 'running', title: 'Boot', what: 'firmware, kernel, shell' },
] as const;

export type SessionState = 'created' | 'ended' | (typeof STATES)[number]['state'];

/** How many of the states are behind a session. */
export const reached = (state: SessionState): number => STATES.findIndex((each) => each.state === state) + 1;
