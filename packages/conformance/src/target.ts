import type { SevStatus } from '@sevlab/codec/sev/status';
import type { FirmwareCase, FirmwareThen, KernelCase, KernelThen, PspCase, PspThen } from './case.ts';

/**
 * Something that the suite is run against. It answers with what it saw; the runner compares. A room that it does not
 * have is absent, and cases of that room are skipped. Throws GivenNotReached.
 */
export interface Target {
  readonly name: string;
  psp?(testCase: PspCase): PspAnswer;
  firmware?(testCase: FirmwareCase): FirmwareThen;
  kernel?(testCase: KernelCase): KernelThen;
  /** In place of `kernel`, many cases at once, for a kernel that has to boot first; in their order. */
  kernels?(cases: readonly KernelCase[]): Promise<readonly KernelOutcome[]>;
}

export type KernelOutcome = KernelThen | GivenNotReached | NotHere;

/** A case that cannot be for this target, and why. */
export class NotHere {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** What was seen of the AMD-SP: one status for each command step, and what the case asks for. */
export interface PspAnswer extends Seen<Omit<PspThen, 'status' | InWords>>, Seen<Record<InWords, string>> {
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
