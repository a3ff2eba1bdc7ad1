import type { Gpa } from '@sevlab/codec/address';
import { fillForm } from '@sevlab/codec/message-form';
import { containsRamPage } from './iomem.ts';
import { KERNEL_MESSAGES } from './log-messages.ts';
import { printk } from './printk.ts';
import type { RunningKernel } from './running-kernel.ts';

/** QEMU's guests see 40 physical address bits unless told otherwise (target/i386/cpu.c, `phys-bits`). */
const PHYSICAL_BITS = 40n;

/** A physical range that a driver may access. */
export interface Mapping {
  readonly base: Gpa;
  /** Bytes. */
  readonly size: bigint;
}

/**
 * ioremap_encrypted(): maps a range with the C-bit set, or answers undefined (arch/x86/mm/ioremap.c,
 * __ioremap_caller()). The e820 map decides what is RAM; `size` is in bytes.
 * NOT MODELLED: stack traces of the warnings, the resource sanity check, and memory types (X86_PAT), with which a
 * range that ends inside a page of RAM is refused as well.
 */
export function ioremapEncrypted(kernel: RunningKernel, base: Gpa, size: bigint): Mapping | undefined {
  const { state } = kernel;
  const last = BigInt.asUintN(64, base + size - 1n);
  if (size === 0n || last < base) return undefined;
  if (base >> PHYSICAL_BITS !== 0n) {
    printk(kernel, 'warning', fillForm(KERNEL_MESSAGES.ioremapInvalid, { address: base.toString(16) }));
    return undefined;
  }
  if (containsRamPage(state.iomem, base, last)) {
    if (!state.warnedOfRam)
      printk(kernel, 'warning', fillForm(KERNEL_MESSAGES.ioremapRam, { first: pa(base), last: pa(last) }));
    state.warnedOfRam = true;
    return undefined;
  }
  return { base, size };
}

const pa = (address: bigint): string => `0x${address.toString(16).padStart(16, '0')}`;
