import { fromBase64, fromHex, toHex } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import model from '../test/vectors/model.json' with { type: 'json' };
import libvirt from '../test/vectors/virt-qemu-sev-validate.json' with { type: 'json' };
import { type Contribution, describeTranscript, launchDigest } from './launch-digest.ts';

const data: Contribution = { what: 'data', bytes: new Uint8Array(4096).fill(0x41) };
const vmsa: Contribution = { what: 'VMSA', bytes: Uint8Array.from({ length: 4096 }, (_, i) => 7 * i) };

test('nothing, and the data and VMSA of the model', () => {
  expect(toHex(launchDigest([]))).toBe(model.empty_guest.launch_digest);
  expect(toHex(launchDigest([data, vmsa]))).toBe(model.measure.launch_digest);
});

test('firmware and VMSAs as virt-qemu-sev-validate measures them', () => {
  const measured = libvirt.cases.filter((c) => c.firmware_base64 !== undefined);
  for (const { name, firmware_base64, vmsa0_base64, vmsa1_base64, launch_digest } of measured) {
    const bytes = [firmware_base64, vmsa0_base64, vmsa1_base64].filter((part) => part !== undefined);
    const contributions = bytes.map((part) => ({ what: 'part', bytes: fromBase64(part) }));
    expect(toHex(launchDigest(contributions)), name).toBe(launch_digest);
  }
  expect(measured.map(({ name }) => name)).toEqual(['sev-plain', 'sev-odd-size-firmware', 'es-vmsa-2cpu']);
});

test('where the bytes are cut and what they are called is not measured; their order is', () => {
  const digest = toHex(launchDigest([data, vmsa]));
  const halves = [data.bytes.subarray(0, 16), data.bytes.subarray(16)].map((bytes) => ({
    what: 'half',
    bytes,
  }));
  expect(toHex(launchDigest([...halves, { what: 'not a VMSA', bytes: vmsa.bytes }]))).toBe(digest);
  expect(toHex(launchDigest([vmsa, data]))).not.toBe(digest);
});

test('a transcript tells what the digest does not', () => {
  expect(describeTranscript([{ what: 'OVMF', bytes: fromHex('616263') }, data])).toEqual([
    {
      what: 'OVMF',
      length: 3,
      // FIPS 180-4, the example "abc".
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    },
    { what: 'data', length: 4096, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ]);
});
