import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { gpa, spa } from '@sevlab/codec/address';
import { createMachine, type GuestContext } from '@sevlab/machine/machine';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GuestMemoryFile } from './guest-memory-file.ts';

const MIB = 1024n * 1024n;
const ASID = 100;
/** RAM below a hole and above it, as QEMU's q35 has it. */
const REGIONS = [
  { gpa: gpa(0n), length: 4n * MIB },
  { gpa: gpa(4096n * MIB), length: 2n * MIB },
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sevlab-memory-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function fileOf(software: (context: GuestContext) => void, host?: 'moves a page'): GuestMemoryFile {
  const entropy = seededEntropy('t', 'machine');
  const machine = createMachine({ part: 'genoa', encryption: 'XEX', entropy, observer: createObserver() });
  const guest = machine.host.createGuest(REGIONS);
  machine.secureProcessor.memory.installKey(ASID, new Uint8Array(32).fill(1));
  machine.secureProcessor.memory.setRunnable(ASID, true);
  if (host) machine.host.remap(guest, gpa(0x3000n), spa(0x2_0000_0000n));
  const file = new GuestMemoryFile(join(folder, 'ram'), REGIONS);
  file.create();
  machine.host.vmrun(guest, ASID, (context) => {
    software(context);
    file.writeAll(machine.host, guest, context);
  });
  return file;
}

const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) % 256);

test('what the guest wrote privately is there in the clear, across pages, and the rest is zero', () => {
  const file = fileOf(({ memory }) => memory.writePrivate(gpa(0x1800n), bytes));
  expect(file.read(gpa(0x1800n), bytes.length)).toEqual(bytes);
  expect(file.read(gpa(0x10_0000n), 64)).toEqual(new Uint8Array(64));
});

test('the region above the hole follows the one below', () => {
  const file = fileOf(({ memory }) => memory.writePrivate(gpa(4096n * MIB + 0x1000n), bytes));
  expect(file.read(gpa(4096n * MIB + 0x1000n), bytes.length)).toEqual(bytes);
  expect(file.size).toBe(6n * MIB);
  expect(statSync(file.path).size).toBe(Number(6n * MIB));
});

test('a shared page is there as its cells are, and a page that is private again as it decrypts', () => {
  const file = fileOf(({ memory }) => {
    memory.share(gpa(0x2000n), 2);
    memory.writeShared(gpa(0x2000n), bytes.subarray(0, 100));
    memory.writeShared(gpa(0x3000n), bytes.subarray(0, 100));
    memory.unshare(gpa(0x3000n), 1);
  });
  expect(file.read(gpa(0x2000n), 100)).toEqual(bytes.subarray(0, 100));
  expect(file.read(gpa(0x3000n), 100)).not.toEqual(bytes.subarray(0, 100));
});

test('a page that the host moved is read where it lies now', () => {
  const file = fileOf(({ memory }) => memory.writePrivate(gpa(0x2800n), bytes), 'moves a page');
  expect(file.read(gpa(0x2800n), bytes.length)).toEqual(bytes);
});

test('only RAM can be read', () => {
  const file = fileOf(() => {});
  expect(() => file.read(gpa(8n * MIB), 16)).toThrow(RangeError);
});

test('the file is private to the user, and sparse', () => {
  const file = fileOf(({ memory }) => memory.writePrivate(gpa(0x1000n), bytes));
  const { mode, blocks } = statSync(file.path);
  expect(mode & 0o777).toBe(0o600);
  expect(blocks * 512).toBeLessThan(200_000);
});
