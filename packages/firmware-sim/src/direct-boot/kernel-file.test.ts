import { concat } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import { emulatedKernelFile } from './emulated-kernel-file.ts';
import { readKernelFile, SETUP_HEADER_OFFSET, SetupHeader } from './kernel-file.ts';

test('the offsets are those of the boot protocol, 1F1h added', () => {
  const offsets = Object.fromEntries(
    SetupHeader.rows.map(({ name, offset }) => [name, (SETUP_HEADER_OFFSET + offset).toString(16)]),
  );
  // Documentation/x86/boot.rst, the table of the real-mode kernel header
  expect(offsets).toMatchObject({
    ...{ setupSects: '1f1', bootFlag: '1fe', jump: '200', header: '202', version: '206' },
    ...{ typeOfLoader: '210', loadflags: '211', code32Start: '214', ramdiskImage: '218' },
    ...{ ramdiskSize: '21c', cmdLinePtr: '228', initrdAddrMax: '22c', kernelAlignment: '230' },
    ...{ xloadflags: '236', cmdlineSize: '238', prefAddress: '258', initSize: '260' },
  });
});

test.each([
  [1, 2],
  [3, 4],
  [0, 5],
])('with %i setup sectors the kernel proper starts behind %i sectors', (setupSects, sectors) => {
  const file = readKernelFile(emulatedKernelFile({ setupSects }));
  expect(file).toMatchObject({ proper: { length: 0x2000, 0: 0x4b } });
  expect('proper' in file && file.proper.byteOffset).toBe(sectors * 512);
});

test('the header is as long as its jump says, and has what is behind our last field', () => {
  const kernel = emulatedKernelFile();
  kernel.set([0xde, 0xad], 0x26a);
  const file = readKernelFile(kernel);
  expect('headerBytes' in file && [...file.headerBytes.subarray(-2)]).toEqual([0xde, 0xad]);
});

test.each([
  ['nothing', new Uint8Array(), /has 0 bytes; expected at least 612/],
  ['a file that ends in its header', emulatedKernelFile().subarray(0, 611), /has 611 bytes/],
  ['zeros', new Uint8Array(4096), /no bzImage/],
  ['another boot flag', emulatedKernelFile({ bootFlag: 0x55aa }), /no bzImage: expected AA55h/],
  ['another magic', emulatedKernelFile({ header: 'HdrX' }), /no bzImage: .*"HdrS"/],
  ['protocol 2.11', emulatedKernelFile({ version: 0x020b }), /boot protocol 2\.12 or later, but has 2\.11/],
  ['32 bits', emulatedKernelFile({ xloadflags: 0 }), /not one of 64 bits/],
  [
    'a setup without a kernel',
    emulatedKernelFile({}, new Uint8Array(0)),
    /should start at 1024 of 1024 bytes/,
  ],
])('%s is no kernel', (_, file, fault) => {
  expect(readKernelFile(file)).toEqual({ fault: expect.stringMatching(fault) });
});

test('a kernel in the middle of a buffer is read as if it were alone', () => {
  const kernel = emulatedKernelFile();
  const inside = concat(new Uint8Array(7), kernel).subarray(7);
  expect(readKernelFile(inside)).toEqual(readKernelFile(kernel));
});
