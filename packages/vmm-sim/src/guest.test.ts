import { gpa } from '@sevlab/codec/address';
import { describe, expect, test } from 'vitest';
import { ELSEWHERE, imageWithArea, paddr, recordingHost } from '../test/recording-host.ts';
import { VmmError } from './errors.ts';
import { createVmm } from './vmm.ts';

const AREA = 0x81_0000;
const MEMORY = 0x100_0000n;
const HANDLE = 5;

/** A guest that was measured, with an image that has a secret area of that many bytes. */
function measured(areaSize = 0x1000, image = imageWithArea(AREA, areaSize)) {
  const recorded = recordingHost(({ name, fields }, { memory }) => {
    if (name === 'LAUNCH_START') return { fields: { handle: HANDLE } };
    if (name === 'LAUNCH_MEASURE') {
      memory.write(
        paddr(fields.measurePaddr),
        Uint8Array.from({ length: 64 }, (_, i) => i + 1),
      );
    }
    return name === 'LAUNCH_SECRET' ? { status: 'BAD_MEASUREMENT' } : {};
  });
  const vmm = createVmm(recorded.host, 'genoa');
  return { ...recorded, vmm, guest: vmm.launch({ image, memorySize: MEMORY, policy: 1 }).measure() };
}

const packet = (length: number) => ({
  header: Uint8Array.from({ length: 52 }, (_, i) => i),
  data: Uint8Array.from({ length }, (_, i) => 3 * i),
});

test('the measurement is the 48 bytes that LAUNCH_MEASURE wrote', () => {
  const { guest, arrived } = measured();
  expect(arrived.at(-1)).toMatchObject({
    name: 'LAUNCH_MEASURE',
    fields: { handle: HANDLE, measureLen: 48 },
  });
  expect(guest.measurement).toEqual(Uint8Array.from({ length: 48 }, (_, i) => i + 1));
});

describe('LAUNCH_SECRET', () => {
  test('names the packet in host memory and the area of the image, and its status comes back', () => {
    const { guest, host, arrived } = measured();
    const { header, data } = packet(64);
    expect(guest.injectSecret({ header, data })).toBe('BAD_MEASUREMENT');
    const { name, fields } = arrived.at(-1)!;
    const [place] = host.locate(guest.record.guest, gpa(BigInt(AREA)), 64);
    expect({ name, ...fields }).toMatchObject({
      ...{ name: 'LAUNCH_SECRET', handle: HANDLE, hdrLen: 52, guestLen: 64, transLen: 64 },
      guestPaddr: place!.spa,
    });
    expect(host.memory.read(paddr(fields.hdrPaddr), 52)).toEqual(header);
    expect(host.memory.read(paddr(fields.transPaddr), 64)).toEqual(data);
  });

  test('goes where the image of the guest wants it, which was read once: what another guest has is not asked', () => {
    const image = imageWithArea(AREA, 0x1000);
    const { vmm, guest, host, arrived } = measured(0x1000, image);
    vmm.launch({ image: imageWithArea(0x90_0000, 0x1000), memorySize: MEMORY, policy: 1 });
    image.fill(0);
    guest.injectSecret(packet(64));
    const [place] = host.locate(guest.record.guest, gpa(BigInt(AREA)), 64);
    expect(arrived.at(-1)!.fields.guestPaddr).toBe(place!.spa);
  });

  test.each([15, 17])('of %i bytes is for the AMD-SP to refuse', (length) => {
    const { guest, arrived } = measured();
    expect(guest.injectSecret(packet(length))).toBe('BAD_MEASUREMENT');
    expect(arrived.at(-1)!.fields).toMatchObject({ guestLen: length, transLen: length });
  });

  test.each([0, 16_385])('of %i bytes does not get past KVM', (length) => {
    const { guest, arrived } = measured(0x8000);
    const before = arrived.length;
    expect(() => guest.injectSecret(packet(length))).toThrow(/KVM refused it with errno 22/);
    expect(arrived).toHaveLength(before);
  });

  test('goes to another address when one is given, whatever the image says', () => {
    const { guest, host, arrived } = measured(0x1000, new Uint8Array(4096));
    guest.injectSecret(packet(64), 0x2000n);
    const [place] = host.locate(guest.record.guest, gpa(0x2000n), 64);
    expect(arrived.at(-1)!.fields.guestPaddr).toBe(place!.spa);
  });

  test('that fills the area is issued; one byte more is refused before any command', () => {
    const { guest, arrived } = measured(64);
    guest.injectSecret(packet(64));
    const before = arrived.length;
    expect(() => guest.injectSecret(packet(65))).toThrow(
      new VmmError("packet: 65 bytes do not fit; expected at most 64, the size of the image's secret area"),
    );
    expect(arrived).toHaveLength(before);
  });

  test.each([
    ['above guest memory', MEMORY],
    ['partly above it', MEMORY - 16n],
  ])('to an address %s is refused', (_, address) => {
    const { guest, arrived } = measured();
    const before = arrived.length;
    expect(() => guest.injectSecret(packet(64), address)).toThrow(VmmError);
    expect(() => guest.injectSecret(packet(64), address)).toThrow(/expected 64 contiguous bytes/);
    expect(arrived).toHaveLength(before);
  });

  test('across pages that the host put apart is refused, as KVM does', () => {
    const { guest, host } = measured();
    host.remap(guest.record.guest, gpa(0x3000n), ELSEWHERE);
    expect(() => guest.injectSecret(packet(64), 0x2fe0n)).toThrow(/expected 64 contiguous bytes/);
    expect(guest.injectSecret(packet(32), 0x2fe0n)).toBe('BAD_MEASUREMENT');
  });
});

test('a guest is finished, run under its own ASID, and destroyed: DEACTIVATE, then DECOMMISSION', () => {
  const { guest, machine, arrived } = measured();
  const running = guest.finish();
  expect(() => running.run(() => 'ran')).toThrow('VMRUN refused: ASID 100');
  machine.secureProcessor.memory.installKey(100, new Uint8Array(32));
  machine.secureProcessor.memory.setRunnable(100, true);
  expect(running.run(({ memory }) => memory.readPrivate(gpa(0n), 1).length)).toBe(1);
  expect(running.resume(() => 'goes on')).toBe('goes on');
  running.destroy();
  expect(arrived.slice(-3).map(({ name, fields }) => [name, fields])).toEqual([
    ['LAUNCH_FINISH', { handle: HANDLE }],
    ['DEACTIVATE', { handle: HANDLE }],
    ['DECOMMISSION', { handle: HANDLE }],
  ]);
});
