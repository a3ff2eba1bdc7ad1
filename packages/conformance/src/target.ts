import type { SevStatus } from '@sevlab/codec/sev/status';
import type {
  Case,
  FirmwareCase,
  FirmwareThen,
  KernelCase,
  KernelThen,
  PspCase,
  PspThen,
  TenantCase,
  TenantThen,
  VmmCase,
  VmmThen,
} from './case.ts';
import type { Recorded } from './passage.ts';

/**
 * Something that the suite is run against. It answers with what it saw; the runner compares. A room that it does not
 * have is absent, and cases of that room are skipped. Throws GivenNotReached.
 */
export interface Target {
  readonly name: string;
  psp?(testCase: PspCase): PspAnswer;
  vmm?(testCase: VmmCase): VmmThen & Recorded;
  tenant?(testCase: TenantCase): TenantThen & Recorded;
  firmware?(testCase: FirmwareCase): FirmwareThen;
  kernel?(testCase: KernelCase): KernelThen;
  /** In place of `kernel`, many cases at once, for a kernel that has to boot first; in their order. */
  kernels?(cases: readonly KernelCase[]): Promise<readonly KernelOutcome[]>;
  /** In place of all these, many cases at once, for a program of its own; in their order. */
  answers?(cases: readonly Case[]): Promise<readonly Outcome[]>;
  /** `spec`: it is like the published specification, and is held to what a case has for that. */
  readonly profile?: 'spec';
}

export type KernelOutcome = KernelThen | GivenNotReached | NotHere;
export type Outcome =
  | PspAnswer
  | ((VmmThen | TenantThen | FirmwareThen) & Recorded)
  | KernelOutcome
  | PartAnswer;

/** What somebody saw who does not see everything. */
export class PartAnswer {
  readonly answer: KernelThen;
  /** What the case asks and it does not see; at least one thing is left. */
  readonly unseen: readonly (keyof KernelThen)[];

  constructor(answer: KernelThen, unseen: readonly (keyof KernelThen)[]) {
    this.answer = answer;
    this.unseen = unseen;
  }
}

/** A case that cannot be for this target, and why. */
export class NotHere {
  readonly reason: string;
  /** The target has no such room at all. */
  readonly noRoom: boolean;

  constructor(reason: string, noRoom = false) {
    this.reason = reason;
    this.noRoom = noRoom;
  }
}

/** What was seen of the AMD-SP: one status for each command step, and what the case asks for. */
export interface PspAnswer
  extends Seen<Omit<PspThen, 'status' | InWords>>,
    Seen<Record<InWords, string>>,
    Recorded {
  readonly statuses: readonly SevStatus[];
}

/** An implementation may be in a state that no case expects. */
type InWords = 'memory' | 'guestState' | 'platformState';

type Seen<Then> = { readonly [K in keyof Then]?: Then[K] | undefined };

/** The implementation would not come into the state that a case starts from. */
export class GivenNotReached extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GivenNotReached';
  }
}
