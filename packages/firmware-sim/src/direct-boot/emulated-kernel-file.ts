import { concat } from '@sevlab/codec/bytes';
import { SETUP_HEADER_OFFSET, SetupHeader } from './kernel-file.ts';

const SECTOR = 512;
const NOTHING: SetupHeader = SetupHeader.decode(new Uint8Array(SetupHeader.size));

/**
 * A file for the emulated kernel, where a real one would have its code: a setup header that firmware accepts, and some
 * bytes. It can be offered, measured and verified; no processor would run it.
 */
export function emulatedKernelFile(
  change: Partial<SetupHeader> = {},
  proper: Uint8Array = new Uint8Array(0x2000).fill(0x4b),
): Uint8Array {
  const { setupSects = 1 } = change;
  const head = new Uint8Array(((setupSects || 4) + 1) * SECTOR);
  const header = SetupHeader.encode({
    ...NOTHING,
    ...{ setupSects, syssize: Math.ceil(proper.length / 16), bootFlag: 0xaa55 },
    ...{ jump: Uint8Array.of(0xeb, 0x6a), header: 'HdrS', version: 0x020f, xloadflags: 1 },
    ...{ code32Start: 0x10_0000, prefAddress: 0x100_0000n, initSize: 0x10_0000 },
    ...{ initrdAddrMax: 0x7fff_ffff, cmdlineSize: 2047 },
    ...change,
  });
  head.set(header, SETUP_HEADER_OFFSET);
  return concat(head, proper);
}
