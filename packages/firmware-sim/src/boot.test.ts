import { gpa } from '@sevlab/codec/address';
import { toHex } from '@sevlab/codec/bytes';
import { crc32 } from '@sevlab/codec/efi/crc32';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import { SMBIOS_TABLE_GUID, SMBIOS3_TABLE_GUID } from '@sevlab/codec/guid';
import type { GuestContext } from '@sevlab/machine/machine';
import { describe, expect, test } from 'vitest';
import { findings } from '../test/findings.ts';
import {
  boot,
  frameOf,
  type Guest,
  inGuest,
  launchGuest,
  MEMORY_SIZE,
  writeEncrypted,
} from '../test/guest.ts';
import realGuest from '../test/vectors/amdsev-202608-512M.json' with { type: 'json' };
import { bootFirmware } from './boot.ts';
import { COMMAND_LINE } from './boot-params.ts';
import { secretDxe } from './dxe/secret-dxe.ts';
import { e820Of } from './e820.ts';
import { buildImage, type ImageOptions } from './image.ts';
import { LAYOUTS, type LayoutName } from './layouts.ts';

function bootImage(options: ImageOptions, record = false) {
  const guest = launchGuest(buildImage(options), { record });
  const outcome = boot(guest);
  if (outcome.kind === 'stopped') throw new Error(outcome.reason);
  return { guest, outcome, ...inGuest(guest, ({ memory }) => findings(memory, outcome.bootParams)) };
}

const readPrivate = (guest: Guest, address: bigint, length: number): Uint8Array =>
  inGuest(guest, ({ memory }) => memory.readPrivate(gpa(address), length));

describe('hand-over of the default layout', () => {
  const { guest, page, info, map, systemTable, systemTableBytes, secretLocations, typeAt, e820 } = bootImage({
    layout: '202405',
  });

  test('the system table after ExitBootServices, with a valid CRC', () => {
    expect(systemTable).toMatchObject({
      signature: 'IBI SYST',
      revision: 0x0002_0046,
      headerSize: 120,
      numberOfTableEntries: 7,
    });
    expect(toHex(systemTableBytes.subarray(40, 88))).toBe('00'.repeat(48));
    expect(toHex(systemTableBytes.subarray(96, 104))).toBe('00'.repeat(8));
    const zeroed = systemTableBytes.slice();
    zeroed.fill(0, 16, 20);
    expect(systemTable.crc32).toBe(crc32(zeroed));
  });

  test('vendor and configuration table lie in RuntimeServicesData', () => {
    expect(toHex(readPrivate(guest, systemTable.firmwareVendor, 14))).toBe('7300650076006c00610062000000');
    expect(
      [systemTable.firmwareVendor, systemTable.configurationTable, BigInt(info.efiSystab)].map(typeAt),
    ).toEqual([6, 6, 6]);
  });

  test('the location of the area lies in ACPI reclaim memory, size not rounded', () => {
    expect(secretLocations.map(typeAt)).toEqual([9]);
    expect(toHex(readPrivate(guest, secretLocations[0]!, 16))).toBe('0000810000000000000c000000000000');
  });

  test('the page is reserved in the map and in e820', () => {
    expect(map.filter(({ physicalStart }) => physicalStart === 0x810000n)).toEqual([
      { type: 0, physicalStart: 0x810000n, virtualStart: 0n, numberOfPages: 1n, attribute: 0xfn },
    ]);
    expect(e820.find(({ addr }) => addr === 0x810000n)).toEqual({ addr: 0x810000n, size: 0x1000n, type: 2 });
    expect(e820).toEqual(e820Of(map));
  });

  test('the HOB list in guest memory', () => {
    const hobList = map.find(({ type }) => type === 4)?.physicalStart ?? 0n;
    expect(toHex(readPrivate(guest, hobList, 56))).toBe(
      `0200300000000000${'00'.repeat(16)}00008100000000000010000000000000${'00'.repeat(8)}ffff080000000000`,
    );
  });

  test('the pages that only SEV-SNP needs are free', () => {
    expect([0x80d000n, 0x80e000n, 0x80f000n].map(typeAt)).toEqual([7, 7, 7]);
  });

  test('boot_params says 48 bytes, version 1; no RSDP; a command line below 4 GiB', () => {
    expect(info).toMatchObject({ efiLoaderSignature: 'EL64', efiMemdescSize: 48, efiMemdescVersion: 1 });
    expect(toHex(page.subarray(0x70, 0x78))).toBe('00'.repeat(8));
    const commandLine = BigInt(new DataView(page.buffer, page.byteOffset).getUint32(0x228, true));
    const text = readPrivate(guest, commandLine, COMMAND_LINE.length + 1);
    expect(new TextDecoder().decode(text)).toBe('efi=noruntime console=ttyS0\0');
    expect(toHex(page.subarray(0x1ec, 0x1f0)), 'secure boot disabled; sentinel zero').toBe('02000000');
  });

  test('the work area says AMD SEV, SEV_STATUS and the C-bit of Genoa', () => {
    expect(toHex(readPrivate(guest, 0x80b000n, 36))).toBe(
      '01000000' + '0100000000000000' + '0000000000000000' + '0000000000000800' + '0000000000000000',
    );
  });
});

describe('the configuration table beside that of a real guest', () => {
  const { configuration, typeAt } = bootImage({ layout: '202405' });
  const ours = configuration.filter(({ vendorGuid }) => vendorGuid !== SMBIOS3_TABLE_GUID);
  const published = new Set<string>(ours.map(({ vendorGuid }) => vendorGuid));
  const real = realGuest.config.filter(({ guid }) => published.has(guid));
  const realTypeAt = (address: number): number | undefined =>
    realGuest.memmap.find(
      ({ phys, pages }) => Number(phys) <= address && address < Number(phys) + pages * 4096,
    )?.type;

  test('the same order', () => {
    expect(ours.map(({ vendorGuid }) => vendorGuid)).toEqual(real.map(({ guid }) => guid));
    expect(real).toHaveLength(6);
  });

  test('the same types of memory', () => {
    expect(ours.map(({ vendorTable }) => typeAt(vendorTable))).toEqual(
      real.map(({ table }) => realTypeAt(Number(table))),
    );
  });

  test('no GUID twice; SMBIOS 3.0 behind SMBIOS', () => {
    expect(published.size).toBe(ours.length);
    const guids = configuration.map(({ vendorGuid }) => vendorGuid);
    expect(guids.indexOf(SMBIOS3_TABLE_GUID)).toBe(guids.indexOf(SMBIOS_TABLE_GUID) + 1);
  });
});

describe('what differs between images', () => {
  test.each([
    ['202102', 4, 4],
    ['202402', 0, 9],
    ['202405', 0, 9],
  ] as const)('layout %s: page of type %i, location in type %i', (layout, page, location) => {
    const { secretLocations, typeAt, guest } = bootImage({ layout });
    const { base, size } = LAYOUTS[layout].secretArea;
    expect(typeAt(BigInt(base))).toBe(page);
    expect(secretLocations.map(typeAt)).toEqual([location]);
    expect(SecretLocation.decode(readPrivate(guest, secretLocations[0]!, 16))).toEqual({
      basePa: BigInt(base),
      size: BigInt(size),
    });
  });

  test('the generic build announces the area, and neither reserves nor publishes it', () => {
    const { configuration, secretLocations, typeAt } = bootImage({
      layout: '202405',
      reservesArea: false,
      publishesArea: false,
    });
    expect(typeAt(0x810000n)).toBe(7);
    expect(secretLocations).toEqual([]);
    expect(configuration).toHaveLength(6);
  });

  test('one without the other', () => {
    const forgetful = bootImage({ layout: '202405', reservesArea: false });
    expect([forgetful.typeAt(0x810000n), forgetful.secretLocations.length]).toEqual([7, 1]);
    const silent = bootImage({ layout: '202405', publishesArea: false });
    expect([silent.typeAt(0x810000n), silent.secretLocations.length]).toEqual([0, 0]);
  });

  test('an area elsewhere: pages are reserved, bytes are published', () => {
    const { typeAt, secretLocations, guest } = bootImage({
      layout: '202405',
      secretArea: { base: 0x900010, size: 0x1000 },
    });
    expect([0x8ff000n, 0x900000n, 0x901000n, 0x902000n, 0x810000n].map(typeAt)).toEqual([7, 0, 0, 7, 7]);
    const location = SecretLocation.decode(readPrivate(guest, secretLocations[0]!, 16));
    expect(location).toEqual({ basePa: 0x900010n, size: 0x1000n });
  });

  test('0/0: there is nothing to reserve or publish', () => {
    const { secretLocations, map } = bootImage({ layout: '202405', secretArea: { base: 0, size: 0 } });
    expect(secretLocations).toEqual([]);
    expect(map[0]).toMatchObject({ type: 7, physicalStart: 0n, numberOfPages: 0xa0n });
  });

  test('no secret block: the host is not told, the kernel is', () => {
    const { secretLocations, typeAt } = bootImage({ layout: '202405', secretArea: 'none' });
    expect(secretLocations).toHaveLength(1);
    expect(typeAt(0x810000n)).toBe(0);
  });
});

test('without memory for the location nothing is installed', () => {
  const guest = launchGuest(buildImage({ layout: '202405', size: 4096 }));
  const pool = { next: 0x1000n, end: 0x1020n };
  const area = LAYOUTS['202405'].secretArea;
  expect(inGuest(guest, ({ memory }) => secretDxe(memory, pool, area))).toBeUndefined();
});

describe.each(['202102', '202402', '202405'] as const)('layout %s', (layout: LayoutName) => {
  test('the secret page is neither read nor written', () => {
    const { base } = LAYOUTS[layout].secretArea;
    const guest = launchGuest(buildImage({ layout }), { record: true });
    const secret = Uint8Array.from({ length: 4096 }, (_, i) => (i * 7 + 1) & 0xff);
    writeEncrypted(guest, gpa(BigInt(base)), secret);
    const launched = guest.observer.events.length;
    expect(boot(guest).kind).toBe('handover');

    const touched = guest.observer.events.slice(launched).filter((event) => {
      if (event.type !== 'access' || event.gpa === undefined) return false;
      const start = BigInt(event.gpa);
      return start < BigInt(base) + 4096n && BigInt(base) < start + BigInt(event.length);
    });
    expect(touched).toEqual([]);
    expect(toHex(readPrivate(guest, BigInt(base), 4096))).toBe(toHex(secret));
  });
});

describe('the handover event', () => {
  const handovers = (options: ImageOptions) => {
    const { guest, outcome } = bootImage(options, true);
    const events = guest.observer.events.filter(({ type }) => type === 'handover');
    return {
      events,
      guest,
      outcome,
      last: guest.observer.events.filter(({ actor }) => actor === 'firmware'),
    };
  };

  test('is one, from firmware to kernel, and says where things are', () => {
    const { events, outcome } = handovers({ layout: '202405' });
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      actor: 'firmware',
      to: 'kernel',
      bootParams: `0x${outcome.bootParams.toString(16)}`,
      systemTable: expect.stringMatching(/^0x1f[0-9a-f]{6}$/),
      memoryMap: expect.stringMatching(/^0x1f7[0-9a-f]{5}$/),
      secretArea: { base: '0x810000', size: 0xc00, reserved: true },
    });
  });

  test.each([
    [{ layout: '202102' }, { base: '0x80c000', size: 0x1000, reserved: false }],
    [
      { layout: '202405', reservesArea: false },
      { base: '0x810000', size: 0xc00, reserved: false },
    ],
    [{ layout: '202405', publishesArea: false }, undefined],
  ] as const)('%j: secret area %j', (options, secretArea) => {
    const { events, guest } = handovers(options);
    const told = events[0]?.type === 'handover' ? events[0].secretArea : undefined;
    expect(told && { base: told.base, size: told.size, reserved: told.reserved }).toEqual(secretArea);
    if (told === undefined) return;
    expect(SecretLocation.decode(readPrivate(guest, BigInt(told.location), SecretLocation.size))).toEqual({
      basePa: BigInt(told.base),
      size: BigInt(told.size),
    });
  });
});

describe('a guest that does not start', () => {
  const reasonOf = (guest: Guest, change?: (context: GuestContext) => GuestContext): string => {
    const outcome = boot(guest, change);
    return outcome.kind === 'stopped' ? outcome.reason : 'it started';
  };
  const image = buildImage({ layout: '202405', size: 8192 });

  test('every byte counts: changing any one that was measured stops the boot', () => {
    const guest = launchGuest(image);
    const behindTable = 8192 - 32;
    const offsets = [0, 1, 4095, 4096, 5000, behindTable - 1, behindTable, 8191];
    const endOfFiller = 8192 - 32 - 160 - 100 - 64;
    for (let offset = endOfFiller; offset < 8192; offset += 3) offsets.push(offset);
    for (const offset of offsets) {
      const at = gpa(guest.imageAt + BigInt(offset));
      const byte = image.subarray(offset, offset + 1);
      writeEncrypted(guest, at, Uint8Array.of(byte[0]! ^ 0x40));
      expect(reasonOf(guest), `offset ${offset}`).toMatch(/firmware image/);
      writeEncrypted(guest, at, byte);
    }
    expect(boot(guest).kind).toBe('handover');
  });

  test('one bit of ciphertext flipped by the host', () => {
    const guest = launchGuest(image);
    const frame = frameOf(guest, guest.imageAt + 100n);
    const cells = guest.machine.host.memory.read(frame, 1);
    guest.machine.host.memory.write(frame, Uint8Array.of(cells[0]! ^ 1));
    expect(reasonOf(guest)).toMatch(
      /^the firmware image is damaged: expected 8192 bytes with the SHA-256 [0-9a-f]{64}/,
    );
  });

  test('an image that the host put there in plaintext', () => {
    const guest = launchGuest(new Uint8Array(8192));
    for (const { spa } of guest.machine.host.locate(guest.number, guest.imageAt, 8192)) {
      if (spa !== undefined) guest.machine.host.memory.write(spa, image);
    }
    expect(reasonOf(guest)).toMatch(
      /^no firmware image ends at 4 GiB: 48 bytes before its end is .* and not the footer/,
    );
  });

  test('another key', () => {
    const guest = launchGuest(image);
    guest.machine.secureProcessor.memory.installKey(100, new Uint8Array(32).fill(7));
    expect(reasonOf(guest)).toMatch(/^no firmware image ends at 4 GiB/);
  });

  test('two pages exchanged by the host', () => {
    const guest = launchGuest(buildImage({ layout: '202405', size: 16384 }));
    const [first, second] = [frameOf(guest, guest.imageAt), frameOf(guest, guest.imageAt + 4096n)];
    guest.machine.host.remap(guest.number, guest.imageAt, second);
    guest.machine.host.remap(guest.number, gpa(guest.imageAt + 4096n), first);
    expect(reasonOf(guest)).toMatch(/^the firmware image is damaged: expected 16384 bytes/);
  });

  test('an image without a table', () => {
    expect(reasonOf(launchGuest(buildImage({ layout: '202405', table: false })))).toMatch(
      /^no firmware image ends/,
    );
  });

  test('SEV is not active', () => {
    const guest = launchGuest(image);
    expect(reasonOf(guest, (context) => ({ ...context, rdmsr: () => 0n }))).toBe(
      'SEV is not active in this guest: expected bit 0 of the MSR SEV_STATUS, got 0',
    );
    expect(reasonOf(guest, (context) => ({ ...context, cpuid: () => ({ eax: 1, ebx: 51 }) }))).toMatch(
      /^the processor knows no SEV/,
    );
  });

  test('stopping writes nothing and hands nothing over', () => {
    const guest = launchGuest(image, { record: true });
    writeEncrypted(guest, guest.imageAt, new Uint8Array(16));
    const launched = guest.observer.events.length;
    boot(guest);
    const after = guest.observer.events.slice(launched);
    expect(after.map(({ type }) => type)).not.toContain('handover');
    expect(after.filter((event) => event.type === 'access' && event.operation === 'write')).toEqual([]);
  });
});

test('a memory size that no guest has', () => {
  const guest = launchGuest(buildImage({ layout: '202405', size: 4096 }));
  const run = () =>
    inGuest(guest, (context) =>
      bootFirmware({ context, observer: guest.observer, memorySize: MEMORY_SIZE + 1n }),
    );
  expect(run).toThrow('memory size: expected a multiple of 4096');
});
