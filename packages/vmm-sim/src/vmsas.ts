import { SEV_ES_RESET_BLOCK_GUID } from '@sevlab/codec/guid';
import { findResetBlock } from '@sevlab/codec/ovmf/reset-block';
import { encodeInitialVmsa, RESET_VECTOR, type VmsaForm } from '@sevlab/codec/sev/vmsa';
import { VmmError } from './errors.ts';

/** The vCPUs of a guest. */
export interface Vcpus {
  /** From 1. */
  readonly count: number;
  /** What RDX holds after a reset: family, model and stepping. */
  readonly cpuSignature: number;
  /** Which of KVM's commands makes the guest. */
  readonly form: VmsaForm;
}

export const ONE_VCPU: Vcpus = { count: 1, cpuSignature: 0, form: 'legacy' };

/**
 * The VMSAs of a SEV-ES guest, boot CPU first, 4096 bytes each: the others start where the image's reset block says
 * (QEMU, target/i386/sev.c: sev_es_parse_reset_block). Throws VmmError for an image that has none, or address zero.
 */
export function initialVmsas(image: Uint8Array, { count, cpuSignature, form }: Vcpus): Uint8Array[] {
  const reset = resetAddress(image); // even one vCPU needs it: QEMU reads it before it counts them
  return Array.from({ length: count }, (_, vcpu) =>
    encodeInitialVmsa({ reset: vcpu === 0 ? RESET_VECTOR : reset, cpuSignature, form }),
  );
}

function resetAddress(image: Uint8Array): number {
  const block = findResetBlock(image);
  if ('fault' in block) {
    throw new VmmError(
      `firmware image: SEV-ES is asked for; expected an SEV-ES reset block (${SEV_ES_RESET_BLOCK_GUID}) with the ` +
        `address at which application processors start, got ${block.fault}`,
    );
  }
  if (block.address === 0) throw new VmmError('firmware image: SEV-ES reset address is zero');
  return block.address;
}
