import { createHash } from 'node:crypto';
import { gpa } from '@sevlab/codec/address';
import { concat, utf8 } from '@sevlab/codec/bytes';
import { E820_TYPE, E820Entry } from '@sevlab/codec/efi/boot-params';
import { encodeHashesTable } from '@sevlab/codec/ovmf/hashes-table';
import { describe, expect, test } from 'vitest';
import {
  boot,
  frameOf,
  type Guest,
  inGuest,
  launchGuest,
  MEMORY_SIZE,
  writeEncrypted,
} from '../../test/guest.ts';
import type { Handover } from '../boot.ts';
import { buildImage } from '../image.ts';
import { LAYOUTS } from '../layouts.ts';
import { KERNEL_ENTRY_GPA, KernelEntry } from '../reset-stub.ts';
import { BOOT_ITEMS } from './boot-blobs.ts';
import { emulatedKernelFile } from './emulated-kernel-file.ts';
import { SETUP_HEADER_OFFSET, SetupHeader } from './kernel-file.ts';

const KERNEL = emulatedKernelFile();
const INITRD = new Uint8Array(5000).fill(0x1d);
const CMDLINE = utf8('console=ttyS0\0');
const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

interface Offer {
  readonly kernel?: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly cmdline?: Uint8Array;
}

/** A guest whose host measured the hashes of `measured`, and offers `offered` later. */
function guestWith(
  measured: Offer,
  offered: Offer = measured,
  image = buildImage({ layout: '202405' }),
): Guest {
  const guest = launchGuest(image, { record: true });
  const { kernel = new Uint8Array(), initrd = new Uint8Array(), cmdline = new Uint8Array() } = measured;
  const table = encodeHashesTable({
    commandLine: sha256(cmdline),
    initrd: sha256(initrd),
    kernel: sha256(kernel),
  });
  writeEncrypted(guest, gpa(BigInt(LAYOUTS['202405'].hashesArea.base)), table);
  for (const [name, bytes] of Object.entries(offered) as [keyof Offer, Uint8Array][])
    guest.machine.host.offerFwCfg(guest.number, BOOT_ITEMS[name], bytes);
  return guest;
}

const read = (guest: Guest, address: bigint, length: number): Uint8Array =>
  inGuest(guest, ({ memory }) => memory.readPrivate(gpa(address), length));

describe('a kernel, its initrd and its command line, as they were measured', () => {
  const guest = guestWith({ kernel: KERNEL, initrd: INITRD, cmdline: CMDLINE });
  const outcome = boot(guest) as Handover; // what it is, is the first test
  const params = read(guest, outcome.bootParams ?? 0n, 4096);
  const header = SetupHeader.decodeAt(params, SETUP_HEADER_OFFSET);

  test('the firmware hands over', () => expect(outcome.kind).toBe('handover'));

  test('the kernel proper lies where it wants to run, and nobody else reads it there', () => {
    expect(header.code32Start).toBe(0x100_0000);
    const proper = KERNEL.subarray(1024);
    expect(read(guest, 0x100_0000n, proper.length)).toEqual(proper);
    expect(guest.machine.host.memory.read(frameOf(guest, 0x100_0000n), 64)).not.toEqual(
      proper.subarray(0, 64),
    );
  });

  test('the initrd lies below what firmware keeps, on a page', () => {
    expect(header.ramdiskSize).toBe(INITRD.length);
    expect(header.ramdiskImage % 4096).toBe(0);
    expect(read(guest, BigInt(header.ramdiskImage), INITRD.length)).toEqual(INITRD);
    expect(BigInt(header.ramdiskImage + INITRD.length)).toBeLessThan(MEMORY_SIZE - 0xb2_3000n);
  });

  test('the command line is the measured one, behind what firmware puts in front', () => {
    const text = read(guest, BigInt(header.cmdLinePtr), 64);
    expect(new TextDecoder().decode(text.subarray(0, text.indexOf(0)))).toBe(
      'efi=noruntime initrd=initrd console=ttyS0',
    );
  });

  test('boot_params has the rest of the header from the file', () => {
    const { typeOfLoader, loadflags, initSize, version } = header;
    expect({ typeOfLoader, loadflags, initSize, version }).toEqual({
      ...{ typeOfLoader: 0xff, loadflags: 1, initSize: 0x10_0000, version: 0x020f },
    });
    expect(params[SETUP_HEADER_OFFSET - 2]).toBe(0); // the sentinel: nothing in front of the header is the file's
  });

  test('kernel and initrd are RAM to the kernel, which keeps off them by itself', () => {
    const entries = Array.from({ length: params[0x1e8]! }, (_, i) =>
      E820Entry.decodeAt(params, 0x2d0 + i * E820Entry.size),
    );
    const typeAt = (address: number) =>
      entries.find(({ addr, size }) => BigInt(address) >= addr && BigInt(address) < addr + size)?.type;
    for (const address of [0x100_0000, header.ramdiskImage]) expect(typeAt(address)).toBe(E820_TYPE.RAM);
  });

  test('a real processor finds its way', () => {
    expect(KernelEntry.decode(read(guest, KERNEL_ENTRY_GPA, KernelEntry.size))).toEqual({
      ...{ magic: 'GO32', bootParams: Number(outcome.bootParams), entry: 0x100_0000 },
    });
  });

  test('the trace has each item as it came, and what the firmware made of it', () => {
    const events = guest.observer.events.flatMap((event): unknown[] =>
      event.type === 'fw-cfg'
        ? [event.name]
        : event.type === 'boot-blob'
          ? [[event.name, event.outcome]]
          : [],
    );
    expect(events).toEqual([
      ...['etc/boot/cmdline', ['cmdline', 'verified']],
      ...['etc/boot/initrd', ['initrd', 'verified']],
      ...['etc/boot/kernel', ['kernel', 'verified']],
    ]);
  });
});

test('without an initrd there is none, and the kernel is not told of one', () => {
  const guest = guestWith({ kernel: KERNEL, cmdline: CMDLINE });
  const { bootParams } = boot(guest) as Handover;
  const header = SetupHeader.decodeAt(read(guest, bootParams, 4096), SETUP_HEADER_OFFSET);
  expect(header).toMatchObject({ ramdiskImage: 0, ramdiskSize: 0 });
  expect(new TextDecoder().decode(read(guest, BigInt(header.cmdLinePtr), 27))).toBe(
    'efi=noruntime console=ttyS0',
  );
});

const all = { kernel: KERNEL, initrd: INITRD, cmdline: CMDLINE };
test.each<[string, Offer, Offer, string]>([
  [
    'another kernel',
    all,
    { ...all, kernel: emulatedKernelFile({}, new Uint8Array(0x3000)) },
    'hangs without a word: kernel: its SHA-256',
  ],
  [
    'another initrd',
    all,
    { ...all, initrd: INITRD.subarray(1) },
    'hangs without a word: initrd: its SHA-256',
  ],
  [
    'an initrd where none was measured',
    { kernel: KERNEL, cmdline: CMDLINE },
    all,
    'hangs without a word: initrd',
  ],
  [
    'no initrd where one was measured',
    all,
    { kernel: KERNEL, cmdline: CMDLINE },
    'hangs without a word: initrd',
  ],
  ['another command line', all, { ...all, cmdline: utf8('init=/bin/sh\0') }, 'hangs without a word: cmdline'],
  [
    'no command line where one was measured',
    all,
    { kernel: KERNEL, initrd: INITRD },
    'hangs without a word: cmdline',
  ],
  [
    'a command line without NUL',
    ...([
      { ...all, cmdline: utf8('quiet') },
      { ...all, cmdline: utf8('quiet') },
    ] as const),
    'No bootable option was found. (cmdline: it does not end in NUL: EFI_PROTOCOL_ERROR)',
  ],
  [
    'a kernel that is none',
    ...([
      { ...all, kernel: utf8('not a kernel') },
      { ...all, kernel: utf8('not a kernel') },
    ] as const),
    'No bootable option was found. (the kernel has 12 bytes',
  ],
  [
    'a command line that has no room',
    ...([
      { ...all, cmdline: concat(new Uint8Array(5000).fill(0x61), Uint8Array.of(0)) },
      { ...all, cmdline: concat(new Uint8Array(5000).fill(0x61), Uint8Array.of(0)) },
    ] as const),
    'the command line has 5029 bytes; expected at most 4096',
  ],
  [
    'a kernel that needs more memory than there is',
    ...([
      { ...all, kernel: emulatedKernelFile({ initSize: 0x2000_0000 }) },
      { ...all, kernel: emulatedKernelFile({ initSize: 0x2000_0000 }) },
    ] as const),
    'not enough memory: the kernel needs 0x1000000 to 0x20ffffff',
  ],
])('%s is a guest that does not start', (_, measured, offered, reason) => {
  expect(boot(guestWith(measured, offered))).toEqual({
    kind: 'stopped',
    reason: expect.stringContaining(reason),
  });
});

test('the hashes are what the guest reads: a host that writes over them stops it', () => {
  const guest = guestWith(all);
  guest.machine.host.memory.write(frameOf(guest, 0x81_0c00n), new Uint8Array(16));
  expect(boot(guest)).toMatchObject({
    kind: 'stopped',
    reason: expect.stringContaining('there is no table of hashes'),
  });
});

test('an image without a verifier starts whatever it is given', () => {
  const image = buildImage({ layout: '202405', verifier: 'none' });
  expect(boot(guestWith({}, all, image)).kind).toBe('handover');
});

test('where no kernel is offered, nothing is read and nothing written for one', () => {
  const guest = guestWith(all, {});
  expect(boot(guest).kind).toBe('handover');
  expect(read(guest, KERNEL_ENTRY_GPA, 4)).not.toEqual(utf8('GO32'));
  expect(guest.observer.events.filter(({ type }) => type === 'fw-cfg')).toEqual([]);
});
