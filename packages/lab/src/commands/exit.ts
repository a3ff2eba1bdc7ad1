/** Exit codes of every command (README, Exit codes). */
export const EXIT = {
  /** Done, and the answer is yes. */
  yes: 0,
  /** The answer is no: a verification, an expectation, a difference. */
  no: 1,
  /** Wrong usage, or an input that cannot be read or parsed. */
  usage: 2,
  /** Refused for safety. */
  unsafe: 3,
  /** Invalid scenario or configuration. */
  configuration: 4,
  /** Wrong state of the AMD-SP or the guest. */
  state: 5,
  /** Our own fault. */
  internal: 6,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message for the person at the terminal: where, what, expected and got, what to try. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  /** Who says so, where somebody else's words are expected. */
  readonly speaker: string | undefined;

  constructor(exitCode: ExitCode, message: string, speaker?: string) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.speaker = speaker;
  }
}
