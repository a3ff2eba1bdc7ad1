import { readFileSync } from 'node:fs';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import {
  E820_ENTRIES_OFFSET,
  E820_TABLE_OFFSET,
  E820_TYPE,
  E820Entry,
  EFI_INFO_OFFSET,
  EfiInfo,
} from '@sevlab/codec/efi/boot-params';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import { EfiConfigurationTable, EfiSystemTable } from '@sevlab/codec/efi/system-table';
import { LINUX_EFI_COCO_SECRET_AREA_GUID, parseGuid } from '@sevlab/codec/guid';
import { POLICY } from '@sevlab/codec/sev/policy';
import { buildImage, type ImageOptions } from '@sevlab/firmware-sim/image';
import { createPipeline, type Pipeline } from '@sevlab/lab/pipeline';
import { BOOT_OPERATIONS, bootEmulated, bootForReal, comparable, type RealBoot } from '@sevlab/lab/real-boot';
import type { GuestMemory } from '@sevlab/machine/machine';
import { WATCHED_COMMAND_LINE } from '@sevlab/real-guest/command-line';
import { initrdFor } from '@sevlab/real-guest/first-program';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';

import { usableAccelerator } from '@sevlab/real-guest/qemu';
import { describe, expect, it } from 'vitest';
import { makeInitrd } from '../packages/real-guest/src/initrd.ts';
import { realKernelIsThere } from './test/real-kernel.ts';

const GUID = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');
const MEMORY_SIZE = 128n << 20n;
/** `load` waits until the module is there that udev loads, with its probe. */
const OPERATIONS = ['load', 'ls', 'readall'];

interface Faulty {
  readonly image?: Partial<ImageOptions>;
  /** Bytes of a file that the initrd has besides. */
  readonly filler?: number;
}

/** An honest launch up to the hand-over, of an image that may be faulty. */
function handedOver({ image = {}, filler = 0 }: Faulty = {}): Pipeline {
  const parts = findGuestParts(new URL('../packages/real-guest', import.meta.url).pathname)!;
  const more: Parameters<typeof makeInitrd>[0] =
    filler === 0
      ? []
      : [{ path: 'filler', kind: 'file', content: new Uint8Array(filler).fill(0xa5), mode: 0o644 }];
  const pipeline = createPipeline({
    ...{ seed: 'fault', part: 'genoa', profile: 'genoa-1.55', encryption: 'identity', policy: POLICY.NODBG },
    ...{ memorySize: MEMORY_SIZE, linux: '6.1', record: false, kernelHashes: true },
    image: buildImage({ layout: '202405', ...image }),
    directBoot: {
      kernel: readFileSync(parts.kernel),
      initrd: concat(initrdFor(parts, [...BOOT_OPERATIONS, ...OPERATIONS]), makeInitrd(more)),
      commandLine: WATCHED_COMMAND_LINE,
    },
  });
  pipeline.offer();
  pipeline.launch();
  pipeline.measure();
  pipeline.verify();
  pipeline.seal([{ guid: GUID, data: new TextEncoder().encode('passphrase') }]);
  expect(pipeline.inject()).toBe('SUCCESS');
  pipeline.finish();
  pipeline.startFirmware();
  return pipeline;
}

interface Tables {
  readonly bootParams: Gpa;
  readonly systemTable: Gpa;
  readonly table: EfiSystemTable;
  readonly memory: GuestMemory;
}

/** Lets something go wrong in what the firmware left, before a kernel sees it. */
function damage(pipeline: Pipeline, how: (tables: Tables) => void): void {
  pipeline.progress.running!.resume(({ memory }) => {
    const bootParams = pipeline.progress.bootParams!;
    const info = EfiInfo.decode(memory.readPrivate(gpa(bootParams + BigInt(EFI_INFO_OFFSET)), EfiInfo.size));
    const systemTable = gpa((BigInt(info.efiSystabHi) << 32n) | BigInt(info.efiSystab));
    const table = EfiSystemTable.decode(memory.readPrivate(systemTable, EfiSystemTable.size));
    how({ bootParams, systemTable, table, memory });
  });
}

/** Where the kernel reads where the area lies. */
function locationOf({ memory, table }: Tables): Gpa {
  const entries = Array.from({ length: table.numberOfTableEntries }, (_, i) =>
    EfiConfigurationTable.decode(
      memory.readPrivate(field(table.configurationTable, i * EfiConfigurationTable.size), 24),
    ),
  );
  return entries.find(({ vendorGuid }) => vendorGuid === LINUX_EFI_COCO_SECRET_AREA_GUID)!.vendorTable;
}

const says =
  (basePa: bigint, size: bigint) =>
  (tables: Tables): void =>
    tables.memory.writePrivate(locationOf(tables), SecretLocation.encode({ basePa: gpa(basePa), size }));

/** The secrets, and what locates them, so many bytes further up. */
const areaMovedBy =
  (bytes: number) =>
  (tables: Tables): void => {
    const area = gpa(0x81_0000n);
    const table = tables.memory.readPrivate(area, 0x100);
    tables.memory.writePrivate(field(area, bytes), table);
    says(area + BigInt(bytes), 0xc00n - BigInt(bytes))(tables);
  };

/** Gives the e820 entry of the area's page another type and size. */
const e820Says =
  (type: number, size: bigint) =>
  ({ memory, bootParams }: Tables): void => {
    const all = memory.readPrivate(bootParams, 4096);
    const index = Array.from({ length: all[E820_ENTRIES_OFFSET]! }, (_, i) => i).find(
      (i) => E820Entry.decodeAt(all, E820_TABLE_OFFSET + i * E820Entry.size).addr === 0x81_0000n,
    );
    const at = field(bootParams, E820_TABLE_OFFSET + index! * E820Entry.size);
    memory.writePrivate(at, E820Entry.encode({ addr: gpa(0x81_0000n), size, type }));
  };

function reverseMap({ memory, bootParams }: Tables): void {
  const info = EfiInfo.decode(memory.readPrivate(field(bootParams, EFI_INFO_OFFSET), EfiInfo.size));
  const at = gpa((BigInt(info.efiMemmapHi) << 32n) | BigInt(info.efiMemmap));
  const entries = Array.from({ length: info.efiMemmapSize / info.efiMemdescSize }, (_, i) =>
    memory.readPrivate(field(at, i * info.efiMemdescSize), info.efiMemdescSize),
  );
  memory.writePrivate(at, concat(...entries.toReversed()));
}

/** What a kernel said and did. A line may come while the next operation already runs. */
function summary({ answers, areaAfter }: Pick<RealBoot, 'answers' | 'areaAfter'>) {
  const compared = answers.map(comparable);
  return {
    said: compared.flatMap(({ k }) => k),
    // of loading the module only whether it was: the first program also tells that it waited in vain, and looks too early
    did: compared.map(({ k, op, ...rest }) => (op === 'autoload' ? [op, rest.loaded] : [op, rest])),
    areaAfter,
  };
}

const realBoot = (pipeline: Pipeline): Promise<RealBoot> =>
  bootForReal(pipeline, { accelerator: usableAccelerator(), seconds: 50 });
const field = (at: Gpa, offset: number): Gpa => gpa(at + BigInt(offset));
const zeros = (length: number) => new Uint8Array(length);

describe.runIf(realKernelIsThere)('a real kernel, and the emulated one, on', { timeout: 60_000 }, () => {
  it.each<[string, (tables: Tables) => void, RegExp]>([
    [
      'a system table with a wrong checksum',
      ({ memory, systemTable }) => memory.writePrivate(field(systemTable, 16), zeros(4)),
      /Created 1 entries/,
    ],
    [
      'a system table with another signature',
      ({ memory, systemTable }) => memory.writePrivate(systemTable, zeros(8)),
      /System table signature incorrect!(?!.*CocoSecret)/,
    ],
    [
      'boot_params without the signature of an EFI loader',
      ({ memory, bootParams }) => memory.writePrivate(field(bootParams, EFI_INFO_OFFSET), zeros(4)),
      /^(?!.*<\d>efi: )/,
    ],
    [
      'no configuration table at all',
      ({ memory, systemTable }) => memory.writePrivate(field(systemTable, 104), zeros(8)),
      /EFI v2\.70 by sevlab(?!.*CocoSecret)/,
    ],
    [
      'a configuration table that counts more than it has',
      ({ memory, systemTable }) => memory.writePrivate(field(systemTable, 104), Uint8Array.of(16)),
      /Created 1 entries/,
    ],
    ['a memory map in reverse order', reverseMap, /Created 1 entries/],
    ['an area that e820 has as memory of ACPI', e820Says(E820_TYPE.ACPI, 0x1000n), /Created 1 entries/],
    ['an area where e820 has nothing', e820Says(E820_TYPE.RESERVED, 0n), /Created 1 entries/],
    ['a location of base 0', says(0n, 0xc00n), /Invalid secret area memory location .*error -22/],
    ['a location without a size', says(0x81_0000n, 0n), /Invalid secret area memory location .*error -22/],
    [
      'a location whose size wraps',
      says(0x81_0000n, 0xffff_ffff_ffff_ffffn),
      /^(?!.*on RAM).*Could not map secret area.*error -12/,
    ],
    [
      'a location of two pages, of which the next is RAM',
      says(0x81_0000n, 0x2000n),
      /ioremap on RAM at .*error -12/,
    ],
    ['an area that starts a byte too late', areaMovedBy(1), /Created 1 entries/],
    ['an area that starts a block too late', areaMovedBy(16), /Created 1 entries/],
    [
      'a location of two u32 where two u64 belong',
      says(0xc00_0081_0000n, 0n),
      /Invalid secret area memory location .*base_pa=0xc0000810000 size=0x0.*error -22/,
    ],
    [
      'a location with noise in it',
      says(0xa5a5_a5a5_a5a5_a5a5n, 0xa5a5_a5a5n),
      /invalid physical address a5a5a5a5a5a5a5a5.*error -12/,
    ],
    [
      'a location above all memory',
      says(0x2_0000_0000n, 0xc00n),
      /^(?!.*probe of).*"loaded":true,"bound":false/,
    ],
  ])('%s, do the same', async (_, how, told) => {
    const pipeline = handedOver();
    damage(pipeline, how);
    const real = await realBoot(pipeline);
    expect(real.status, real.console).toBe(0);
    expect(JSON.stringify(real.answers)).toMatch(told);
    const emulated = bootEmulated(pipeline, OPERATIONS);
    expect(summary(real)).toEqual(summary(emulated));
  });
});

describe.runIf(realKernelIsThere)('a real kernel', { timeout: 60_000 }, () => {
  it('does not get out of its decompressor when the configuration table is nowhere', async () => {
    const pipeline = handedOver();
    damage(pipeline, ({ memory, systemTable }) => memory.writePrivate(field(systemTable, 112), zeros(8)));
    const real = await bootForReal(pipeline, { accelerator: usableAccelerator(), seconds: 8 });
    expect({ status: real.status, answers: real.answers }).toEqual({ status: undefined, answers: [] });
    expect(real.console).toBe(''); // this one has no early console to say `-- System halted`
  });

  it('shows the secrets of an area that nobody reserved, as long as it does not need the memory', async () => {
    const real = await realBoot(handedOver({ image: { reservesArea: false } }));
    expect(real.status, real.console).toBe(0);
    expect(JSON.stringify(real.answers)).toContain(Buffer.from('passphrase').toString('hex'));
  });

  it('loses the secrets of an area that nobody reserved when it fills its memory', async () => {
    const real = await realBoot(handedOver({ image: { reservesArea: false }, filler: 52 << 20 }));
    expect(real.status, real.console).toBe(0);
    expect(JSON.stringify(real.answers)).toContain('CocoSecret=0x');
    expect(JSON.stringify(real.answers)).not.toContain(Buffer.from('passphrase').toString('hex'));
    expect(real.areaAfter).not.toEqual(real.areaBefore);
  });

  it('refuses to map a whole page that nobody reserved', async () => {
    const real = await realBoot(
      handedOver({
        image: { layout: '202405', reservesArea: false, secretArea: { base: 0x81_0000, size: 0x1000 } },
      }),
    );
    expect(real.status, real.console).toBe(0);
    const lines = JSON.stringify(real.answers);
    expect(lines).toContain('ioremap on RAM at 0x0000000000810000 - 0x0000000000810fff');
    expect(lines).toContain('probe of efi_secret.0 failed with error -12');
  });
});
