import { Fadt } from '@sevlab/codec/acpi/fadt';
import { gpa } from '@sevlab/codec/address';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import { ACPI_TABLE_GUID, EFI_ACPI_20_TABLE_GUID, type Guid } from '@sevlab/codec/guid';
import { viewOf } from '@sevlab/codec/layout';
import { describe, expect, test } from 'vitest';
import { findings } from '../../test/findings.ts';
import { boot, inGuest, launchGuest } from '../../test/guest.ts';
import q35 from '../../test/vectors/q35-tables.json' with { type: 'json' };
import { buildImage } from '../image.ts';
import type { LayoutName } from '../layouts.ts';

const MIB = 1024n * 1024n;
const ACPI_RECLAIM = 9;
const ACPI_NVS = 10;

/** A table as a reader of raw memory sees it, offsets as the ACPI specification prints them. */
interface Table {
  readonly at: bigint;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly signature: string;
}

function launched(layout: LayoutName, memorySize: bigint) {
  const guest = launchGuest(buildImage({ layout }), { memorySize });
  const outcome = boot(guest);
  if (outcome.kind === 'stopped') throw new Error(outcome.reason);
  const found = inGuest(guest, ({ memory }) => findings(memory, outcome.bootParams));
  const read = (at: bigint, length: number): Table => {
    const bytes = inGuest(guest, ({ memory }) => memory.readPrivate(gpa(at), length));
    return { at, bytes, view: viewOf(bytes), signature: latin1(bytes.subarray(0, 4)) };
  };
  /** Any table but RSDP and FACS: the length is at offset 4. */
  const table = (at: bigint): Table => read(at, read(at, 36).view.getUint32(4, true));
  const published = (guid: Guid): bigint =>
    found.configuration.find(({ vendorGuid }) => vendorGuid === guid)?.vendorTable ?? 0n;

  const rsdp10 = read(published(ACPI_TABLE_GUID), 20);
  const rsdp = read(published(EFI_ACPI_20_TABLE_GUID), 36);
  const rsdt10 = table(BigInt(rsdp10.view.getUint32(16, true)));
  const rsdt = table(BigInt(rsdp.view.getUint32(16, true)));
  const xsdt = table(rsdp.view.getBigUint64(24, true));
  const entries = Array.from({ length: (xsdt.bytes.length - 36) / 8 }, (_, i) =>
    xsdt.view.getBigUint64(36 + 8 * i, true),
  );
  const [fadt, madt] = entries.map(table) as [Table, Table];
  const facs = read(BigInt(fadt.view.getUint32(36, true)), 64);
  const dsdt = table(BigInt(fadt.view.getUint32(40, true)));
  return { ...found, rsdp10, rsdp, rsdt10, rsdt, xsdt, entries, fadt, madt, facs, dsdt };
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0) % 256;

describe.each([128n, 512n, 2048n, 4096n])('%i MiB', (mib) => {
  describe.each(['202102', '202402', '202405'] as const)('layout %s', (layout) => {
    const found = launched(layout, mib * MIB);
    const { rsdp10, rsdp, rsdt10, rsdt, xsdt, fadt, madt, facs, dsdt } = found;
    const reclaim = { rsdp10, rsdp, rsdt10, rsdt, xsdt, fadt, madt, dsdt };

    test('both root pointers, each with its checksums', () => {
      expect([latin1(rsdp10.bytes.subarray(0, 8)), latin1(rsdp.bytes.subarray(0, 8))]).toEqual([
        'RSD PTR ',
        'RSD PTR ',
      ]);
      expect([rsdp10.bytes[15], rsdp.bytes[15]], 'revision').toEqual([0, 2]);
      expect([sum(rsdp10.bytes), sum(rsdp.bytes.subarray(0, 20)), sum(rsdp.bytes)]).toEqual([0, 0, 0]);
      expect(rsdp.view.getUint32(20, true), 'length').toBe(36);
    });

    test('every table is what its pointer says, and adds up to zero', () => {
      const tables = [rsdt10, rsdt, xsdt, fadt, madt, dsdt];
      expect(tables.map(({ signature }) => signature)).toEqual([
        'RSDT',
        'RSDT',
        'XSDT',
        'FACP',
        'APIC',
        'DSDT',
      ]);
      expect(tables.map(({ bytes }) => sum(bytes))).toEqual([0, 0, 0, 0, 0, 0]);
      expect(facs.signature).toBe('FACS');
      expect(facs.view.getUint32(4, true)).toBe(64);
      expect(dsdt.bytes, 'an empty namespace').toHaveLength(36);
    });

    test('old and new pointers lead to the same tables', () => {
      const oldEntries = (table: Table): bigint[] =>
        Array.from({ length: (table.bytes.length - 36) / 4 }, (_, i) =>
          BigInt(table.view.getUint32(36 + 4 * i, true)),
        );
      expect(oldEntries(rsdt10)).toEqual(found.entries);
      expect(oldEntries(rsdt)).toEqual(found.entries);
      expect(fadt.view.getBigUint64(140, true), 'X_DSDT').toBe(dsdt.at);
      expect(fadt.view.getBigUint64(132, true), 'X_FIRMWARE_CTRL').toBe(0n);
    });

    test('tables lie in ACPI reclaim memory, FACS at a multiple of 64 in NVS', () => {
      for (const [name, { at, bytes }] of Object.entries(reclaim)) {
        expect([at, at + BigInt(bytes.length) - 1n].map(found.typeAt), name).toEqual([
          ACPI_RECLAIM,
          ACPI_RECLAIM,
        ]);
      }
      expect(found.typeAt(facs.at)).toBe(ACPI_NVS);
      expect(facs.at % 64n).toBe(0n);
    });

    test('nothing lies over anything else', () => {
      const { efiMemmap, efiMemmapSize } = found.info;
      const pieces = [
        ...Object.values(reclaim).map(({ at, bytes }) => ({ at, end: at + BigInt(bytes.length) })),
        ...found.secretLocations.map((at) => ({ at, end: at + 16n })),
        { at: BigInt(efiMemmap), end: BigInt(efiMemmap + efiMemmapSize) },
      ].toSorted((a, b) => (a.at < b.at ? -1 : 1));
      for (const [i, { end }] of pieces.entries()) {
        expect(end, `piece ${i}`).toBeLessThanOrEqual(pieces[i + 1]?.at ?? end);
      }
    });
  });
});

describe('beside the tables that a real OVMF gives q35', () => {
  const { rsdp10, rsdp, rsdt10, rsdt, xsdt, fadt, madt, dsdt } = launched('202405', 512n * MIB);

  test('the root pointers are 20 bytes apart, and the lists under them as far as in edk2', () => {
    const distance = (a: { gpa: string }, b: { gpa: string }): bigint => BigInt(b.gpa) - BigInt(a.gpa);
    expect(rsdp.at - rsdp10.at).toBe(distance(q35.rsdp10, q35.rsdp));
    expect(rsdt.at - rsdt10.at).toBe(distance(q35.rsdt10, q35.rsdt));
    expect(xsdt.at - rsdt10.at).toBe(distance(q35.rsdt10, q35.xsdt));
  });

  test('the same revisions', () => {
    const revisions = (tables: readonly Uint8Array[]) => tables.map((bytes) => bytes[8]);
    const real = [q35.rsdt, q35.xsdt, q35.fadt, q35.madt, q35.dsdtHeader].map(({ hex }) => fromHex(hex));
    expect(revisions([rsdt, xsdt, fadt, madt, dsdt].map(({ bytes }) => bytes))).toEqual(revisions(real));
  });

  test('FADT: the same registers and flags; only there is no SMI to switch ACPI mode', () => {
    const own = ['header', 'firmwareCtrl', 'dsdt', 'xDsdt'];
    const fields = (bytes: Uint8Array) =>
      Object.fromEntries(Object.entries(Fadt.decode(bytes)).filter(([name]) => !own.includes(name)));
    const real = fields(fromHex(q35.fadt.hex));
    expect(real).toMatchObject({ smiCmd: 0xb2, acpiEnable: 2, acpiDisable: 3 });
    expect(fields(fadt.bytes)).toEqual({ ...real, smiCmd: 0, acpiEnable: 0, acpiDisable: 0 });
  });

  test('MADT: as far as it goes, the same bytes', () => {
    const ours = toHex(madt.bytes.subarray(36));
    expect(ours).toBe(q35.madt.hex.slice(2 * 36, 2 * 36 + ours.length));
    expect(ours, 'the last is the override of interrupt 0').toMatch(/020a0000020000000000$/);
  });
});
