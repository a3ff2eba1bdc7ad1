import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { type Spa, spa } from '@sevlab/codec/address';
import { concat, utf8 } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import { createMachine, VmrunRefused } from './machine.ts';
import { PARTS } from './part.ts';
import { encodeChecksum, VMSA_SIZE, vmsaCell, vmsaChecksum, vmsaWithCell } from './vmsa.ts';

const ES_ASID = PARTS.genoa.minSevAsid - 1;
const CELL = spa(0x80_0008n);

test('the checksum is CRC-64 of ECMA-182', () => {
  const message = new Uint8Array(0xfc0);
  message.set(utf8('123456789'), message.length - 9); // leading zeros change no remainder
  expect(vmsaChecksum(message)).toBe(0x6c40df5f0b497347n); // the check value in catalogues of CRCs
});

test('a VMSA names its cell, and is otherwise what it was', () => {
  const vmsa = new Uint8Array(VMSA_SIZE).fill(0x5a);
  const prepared = vmsaWithCell(vmsa, CELL);
  expect(vmsaCell(prepared)).toBe(CELL);
  expect([...prepared.subarray(0x380, 0x390)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0x80, 0, 0, 0, 0, 0]);
  const changed = [...prepared.keys()].filter((i) => prepared[i] !== vmsa[i]);
  expect([changed[0], changed.at(-1)]).toEqual([0x380, 0x38f]);
});

/** A SEV-ES guest whose VMSA the AMD-SP left at `at`. */
function withVmsa(at: Spa, vmsa = vmsaWithCell(new Uint8Array(VMSA_SIZE).fill(0x5a), CELL)) {
  const observer = createObserver();
  const machine = createMachine({
    part: 'genoa',
    encryption: 'XEX',
    entropy: seededEntropy('known', 'machine'),
    observer,
  });
  const guest = machine.host.createGuest([]);
  const { memory } = machine.secureProcessor;
  memory.installKey(ES_ASID, new Uint8Array(32).fill(1));
  memory.setRunnable(ES_ASID, true);
  memory.write(CELL, encodeChecksum(vmsaChecksum(vmsa)));
  memory.writeEncrypted(at, vmsa, ES_ASID);
  return { machine, run: (vmsaPaddr?: Spa) => machine.host.vmrun(guest, ES_ASID, () => 'ran', vmsaPaddr) };
}

const AT = spa(0x10_0000n);

test('VMRUN of a SEV-ES guest takes the VMSA of the AMD-SP, and no guest without one', () => {
  const { run } = withVmsa(AT);
  expect(run(AT)).toBe('ran');
  expect(() => run()).toThrow(VmrunRefused);
  expect(() => run(spa(AT + 0x1000n))).toThrow('ASID 99 has no VMSA with the checksum');
});

test.each([0, 0x37f, 0x380, 0x388, 0x38f, 0xfbf])(
  'a bit of ciphertext changed at %i is noticed',
  (offset) => {
    const { machine, run } = withVmsa(AT);
    const byte = spa(AT + BigInt(offset));
    machine.host.memory.write(
      byte,
      machine.host.memory.read(byte, 1).map((b) => b ^ 1),
    );
    expect(() => run(AT)).toThrow(VmrunRefused);
  },
);

test('the last 64 bytes are not under the checksum', () => {
  const { machine, run } = withVmsa(AT);
  machine.host.memory.write(spa(AT + 0xfc0n), new Uint8Array(64));
  expect(run(AT)).toBe('ran');
});

test('a cell where there is no DRAM holds nothing, not even a checksum of 0', () => {
  const vmsa = vmsaWithCell(new Uint8Array(VMSA_SIZE), spa(0x9000_0000n));
  const before = concat(new Uint8Array(8), vmsa.subarray(0, 0xfb8));
  vmsa.set(encodeChecksum(vmsaChecksum(before)).reverse(), 0xfb8); // a message and its CRC together have the CRC 0
  expect(vmsaChecksum(vmsa)).toBe(0n);
  const { run } = withVmsa(AT, vmsa);
  expect(() => run(AT)).toThrow(VmrunRefused);
});
