import { concat } from '@sevlab/codec/bytes';
import { SETUP_HEADER_OFFSET, SetupHeader } from './kernel-file.ts';

const SECTOR = 512;

/**
 * A file for the emulated kernel, where a real one would have its code: a setup header that firmware accepts, and
 * `properLength` bytes of 4Bh behind it. It can be offered, measured and verified; no processor would run it.
 */
export function emulatedKernelFile(change: Partial<SetupHeader> = {}, properLength = 0x2000): Uint8Array {
  const { setupSects = 1 } = change;
  const head = new Uint8Array(((setupSects || 4) + 1) * SECTOR);
  head.set(
    SetupHeader.encode({
      ...{ setupSects, rootFlags: 0, syssize: properLength / 16, ramSize: 0, vidMode: 0, rootDev: 0 },
      ...{ bootFlag: 0xaa55, jump: Uint8Array.of(0xeb, 0x6a), header: 'HdrS', version: 0x020f },
      ...{ typeOfLoader: 0, loadflags: 0, setupMoveSize: 0, code32Start: 0x10_0000 },
      ...{ ramdiskImage: 0, ramdiskSize: 0, bootsectKludge: 0, heapEndPtr: 0, extLoaderVer: 0 },
      ...{ extLoaderType: 0, cmdLinePtr: 0, initrdAddrMax: 0x7fff_ffff, kernelAlignment: 0x20_0000 },
      ...{ relocatableKernel: 0, minAlignment: 21, xloadflags: 1, cmdlineSize: 2047, hardwareSubarch: 0 },
      ...{ hardwareSubarchData: 0n, payloadOffset: 0, payloadLength: 0, setupData: 0n },
      ...{ prefAddress: 0x100_0000n, initSize: 0x10_0000 },
      ...change,
    }),
    SETUP_HEADER_OFFSET,
  );
  return concat(head, new Uint8Array(properLength).fill(0x4b));
}
