import type { CommandName } from '@sevlab/codec/sev/command';
import type { SevStatus } from '@sevlab/codec/sev/status';

/** One of the things that a line says, explained. */
export interface Explanation {
  readonly kind: 'status' | 'errno' | 'message' | 'command' | 'guid' | 'structure';
  /** What it is, by name and number. */
  readonly what: string;
  /** Whose word it is. */
  readonly by: string;
  readonly means: string;
  /** Checks of the AMD-SP that come to it: of the command that the line names, or of all. */
  readonly checks?: readonly LeadingCheck[];
  /** Likely causes, and where to look. */
  readonly look?: string;
  readonly source?: string;
}

/** A row of an AMD-SP command; rows count from 1, as in docs/reference/commands.md. */
export interface LeadingCheck {
  readonly command: CommandName;
  readonly row: number;
  readonly mustHold: string;
  /** What it answers if not. */
  readonly status: SevStatus;
  readonly clause: string;
}

/** What a table of messages does not say itself. */
export interface Cause {
  /** The place in the source that says it. */
  readonly source: string;
  readonly means: string;
  readonly look?: string;
  /** The command of the AMD-SP that was refused. */
  readonly command?: CommandName;
}
