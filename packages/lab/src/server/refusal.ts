import type { SevStatus } from '@sevlab/codec/sev/status';
import { VmrunRefused } from '@sevlab/machine/machine';
import { CommandFailed, VmmError } from '@sevlab/vmm-sim/errors';
import { Refused } from '../pipeline.ts';

/** Who in the pipeline refused to go on, and why. That is an answer, not an error. */
export interface Refusal {
  /** What was tried. */
  readonly step: string;
  readonly by: Refused['by'];
  /** What the AMD-SP answered. */
  readonly status?: SevStatus;
  readonly reason: string;
}

/** What came of something that others may refuse. Throws what is no refusal. */
export function attempt<T extends object>(
  step: string,
  act: () => T,
):
  | (T & { readonly refusal?: never })
  | ({ readonly [K in keyof T]?: never } & { readonly refusal: Refusal }) {
  try {
    return act();
  } catch (error) {
    const refusal = refusalOf(step, error);
    if (refusal === undefined) throw error;
    return { refusal };
  }
}

function refusalOf(step: string, error: unknown): Refusal | undefined {
  if (error instanceof Refused) return { step, by: error.by, reason: error.message };
  if (error instanceof CommandFailed)
    return { step, by: 'amd-sp', status: error.status, reason: error.message };
  if (error instanceof VmmError) return { step, by: 'host', reason: error.message };
  if (error instanceof VmrunRefused) return { step, by: 'amd-sp', reason: error.message };
  return undefined;
}
