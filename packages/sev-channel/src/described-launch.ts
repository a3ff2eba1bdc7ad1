import { createHash } from 'node:crypto';
import { utf8 } from '@sevlab/codec/bytes';
import { SEV_ES_RESET_BLOCK_GUID } from '@sevlab/codec/guid';
import { LengthError } from '@sevlab/codec/layout';
import { encodeHashesTable } from '@sevlab/codec/ovmf/hashes-table';
import { findResetBlock } from '@sevlab/codec/ovmf/reset-block';
import { encodeInitialVmsa, RESET_VECTOR, Vmsa, type VmsaForm } from '@sevlab/codec/sev/vmsa';
import type { Contribution } from './launch-digest.ts';

/** A launch as the guest owner knows it: from files and settings, before any host has run it. */
export interface DescribedLaunch {
  /** The firmware image, whole: the file that QEMU has as flash unit 0 or as `-bios`. */
  readonly image: Uint8Array;
  /** Present where the host measures what it starts (QEMU's `kernel-hashes=on`). */
  readonly kernel?: DirectBoot;
  /** With SEV-ES, the VMSAs in the order of the vCPUs, 4096 bytes each: initialVmsas, or files. */
  readonly vmsas?: readonly Uint8Array[];
}

/** What QEMU has as `-kernel`, `-initrd` and `-append`. */
export interface DirectBoot {
  /** The file as it is. */
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  /** Without a NUL; empty for none. */
  readonly commandLine: string;
}

/**
 * What the host adds to the launch digest, in QEMU's order (target/i386/sev.c). That the image has an area for the
 * hashes is the host's to check: it is not measured. Throws LengthError for a VMSA that has not 4096 bytes.
 */
export function describeLaunch({ image, kernel, vmsas = [] }: DescribedLaunch): Contribution[] {
  const contributions: Contribution[] = [{ what: 'firmware image', bytes: image }];
  if (kernel !== undefined) contributions.push({ what: 'kernel hashes', bytes: hashesTable(kernel) });
  for (const [i, bytes] of vmsas.entries()) {
    const what = `VMSA of vCPU ${i}`;
    if (bytes.length !== Vmsa.size) throw new LengthError(what, Vmsa.size, bytes.length);
    contributions.push({ what, bytes });
  }
  return contributions;
}

/**
 * The table that QEMU writes for the firmware to check against, padded: HASHES_TABLE_SIZE bytes. `end` is what is
 * hashed behind the command line; QEMU has a NUL there.
 */
export const hashesTable = ({ kernel, initrd, commandLine }: DirectBoot, end: '\0' | '' = '\0'): Uint8Array =>
  encodeHashesTable({
    commandLine: sha256(utf8(`${commandLine}${end}`)),
    initrd: sha256(initrd ?? new Uint8Array()),
    kernel: sha256(kernel),
  });

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

/** vCPUs of one model, as QEMU starts them. */
export interface InitialVcpus {
  /** From 1, of which the first is the boot CPU. */
  readonly count: number;
  /** What codec's cpuSignature gives for the model, or zero. */
  readonly cpuSignature: number;
  readonly form: VmsaForm;
}

/**
 * The VMSAs of an SEV-ES guest in the order of its vCPUs. Throws RangeError when `count` is no number of vCPUs, and
 * when there are more than one and the image does not say where the others start.
 */
export function initialVmsas(image: Uint8Array, { count, cpuSignature, form }: InitialVcpus): Uint8Array[] {
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`number of vCPUs: expected an integer from 1, got ${count}`);
  const boot = encodeInitialVmsa({ reset: RESET_VECTOR, cpuSignature, form });
  if (count === 1) return [boot];
  const application = encodeInitialVmsa({ reset: applicationReset(image), cpuSignature, form });
  return [boot, ...Array.from({ length: count - 1 }, () => application)];
}

/** Where the image wants application processors to start. */
function applicationReset(image: Uint8Array): number {
  const block = findResetBlock(image);
  if (!('fault' in block) && block.address !== 0) return block.address;
  throw new RangeError(
    `more than one vCPU: expected an SEV-ES reset block (${SEV_ES_RESET_BLOCK_GUID}) with the address at which ` +
      `the others start, got ${'fault' in block ? block.fault : 'address 0'}`,
  );
}
