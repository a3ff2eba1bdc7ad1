import { type Gpa, gpa, hexAddress } from '@sevlab/codec/address';
import { concat, utf8 } from '@sevlab/codec/bytes';
import { EFI_PAGE_SIZE } from '@sevlab/codec/efi/memory-map';
import type { GuestMemory } from '@sevlab/machine/machine';
import type { MemoryRange } from '../memory-map.ts';
import { type Stopped, stopped } from '../stopped.ts';
import type { BootBlobs } from './boot-blobs.ts';
import { readKernelFile, SetupHeader } from './kernel-file.ts';

const PAGE = BigInt(EFI_PAGE_SIZE);

/** A kernel in guest memory. */
export interface LoadedKernel {
  readonly kind: 'loaded';
  /** For boot_params, with where everything was put. */
  readonly setupHeader: Uint8Array;
  readonly entry: Gpa;
  /** Memory that it and its initrd take. */
  readonly ranges: readonly MemoryRange[];
}

/**
 * Puts a kernel and its initrd into private memory and fills in the setup header: the kernel where it wants to run, the
 * initrd as high as it may lie below `end`, where firmware's own memory starts. `commandLine` is where that lies.
 */
export function loadKernel(
  memory: Pick<GuestMemory, 'writePrivate'>,
  { kernel, initrd }: Pick<BootBlobs, 'kernel' | 'initrd'>,
  { commandLine, end }: { readonly commandLine: Gpa; readonly end: bigint },
): LoadedKernel | Stopped {
  const file = readKernelFile(kernel);
  if ('fault' in file) return stopped('no boot option', { why: file.fault });
  const { header, headerBytes, proper } = file;
  const entry = header.prefAddress;
  const kernelEnd = pageUp(entry + BigInt(Math.max(header.initSize, proper.length)));
  const top = BigInt(header.initrdAddrMax) + 1n;
  const initrdAt = pageDown((end < top ? end : top) - BigInt(initrd.length));
  if (initrdAt < kernelEnd) {
    const kernel = { first: hexAddress(entry), last: hexAddress(kernelEnd - 1n) };
    return stopped('little memory', { ...kernel, initrd: initrd.length, end: hexAddress(end) });
  }
  memory.writePrivate(gpa(entry), proper);
  if (initrd.length > 0) memory.writePrivate(gpa(initrdAt), initrd);
  const setupHeader = headerBytes.slice();
  SetupHeader.encodeInto(setupHeader, {
    ...header,
    typeOfLoader: 0xff,
    loadflags: header.loadflags | 1,
    code32Start: Number(entry),
    ramdiskImage: initrd.length > 0 ? Number(initrdAt) : 0,
    ramdiskSize: initrd.length,
    cmdLinePtr: Number(commandLine),
  });
  return {
    kind: 'loaded',
    entry: gpa(entry),
    setupHeader,
    ranges: [
      { type: 'EfiLoaderCode', start: entry, end: kernelEnd },
      ...(initrd.length > 0
        ? [{ type: 'EfiLoaderData', start: initrdAt, end: pageUp(initrdAt + BigInt(initrd.length)) } as const]
        : []),
    ],
  };
}

/** What the kernel gets: `efi=noruntime` first, since there are no runtime services, then what OVMF puts in front. */
export const kernelCommandLine = (given: Uint8Array, hasInitrd: boolean): Uint8Array =>
  concat(utf8(`efi=noruntime ${hasInitrd ? 'initrd=initrd ' : ''}`), given);

const pageUp = (address: bigint): bigint => ((address + PAGE - 1n) / PAGE) * PAGE;
const pageDown = (address: bigint): bigint => (address / PAGE) * PAGE;
