import { gpa } from '@sevlab/codec/address';
import { type Guid, SMBIOS_TABLE_GUID, SMBIOS3_TABLE_GUID } from '@sevlab/codec/guid';
import { viewOf } from '@sevlab/codec/layout';
import { describe, expect, test } from 'vitest';
import { findings } from '../../test/findings.ts';
import { boot, inGuest, launchGuest } from '../../test/guest.ts';
import { buildImage } from '../image.ts';

const MIB = 1024n * 1024n;
const RUNTIME_SERVICES_DATA = 6;

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0) % 256;
const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

interface Structure {
  readonly type: number;
  readonly handle: number;
  readonly formatted: Uint8Array;
  readonly strings: readonly string[];
}

/** The walk of the SMBIOS specification: formatted area, then strings up to a NUL behind a NUL. */
function structuresOf(table: Uint8Array): Structure[] {
  const structures: Structure[] = [];
  for (let at = 0; at < table.length; ) {
    const length = table[at + 1]!;
    let end = at + length;
    while (end + 1 < table.length && (table[end] !== 0 || table[end + 1] !== 0)) end++;
    structures.push({
      type: table[at]!,
      handle: table[at + 2]! | (table[at + 3]! << 8),
      formatted: table.subarray(at, at + length),
      strings: latin1(table.subarray(at + length, end))
        .split('\0')
        .filter((text) => text !== ''),
    });
    at = end + 2;
  }
  return structures;
}

describe.each([128n, 512n, 2048n, 4096n])('%i MiB', (mib) => {
  describe.each(['202102', '202402', '202405'] as const)('layout %s', (layout) => {
    const guest = launchGuest(buildImage({ layout }), { memorySize: mib * MIB });
    const outcome = boot(guest);
    if (outcome.kind === 'stopped') throw new Error(outcome.reason);
    const found = inGuest(guest, ({ memory }) => findings(memory, outcome.bootParams));
    const read = (at: bigint, length: number): Uint8Array =>
      inGuest(guest, ({ memory }) => memory.readPrivate(gpa(at), length));
    const published = (guid: Guid): bigint =>
      found.configuration.find(({ vendorGuid }) => vendorGuid === guid)?.vendorTable ?? 0n;

    const entryPoint = read(published(SMBIOS_TABLE_GUID), 31);
    const entryPoint3 = read(published(SMBIOS3_TABLE_GUID), 24);
    const view = viewOf(entryPoint);
    const view3 = viewOf(entryPoint3);
    const tableAt = BigInt(view.getUint32(0x18, true));
    const table = read(tableAt, view.getUint16(0x16, true));
    const structures = structuresOf(table);

    test('the entry point of 2.8, and the part of it that is older', () => {
      expect(latin1(entryPoint.subarray(0, 4))).toBe('_SM_');
      expect(latin1(entryPoint.subarray(0x10, 0x15))).toBe('_DMI_');
      expect([entryPoint[5], entryPoint[6], entryPoint[7], entryPoint[0x1e]]).toEqual([31, 2, 8, 0x28]);
      expect([sum(entryPoint), sum(entryPoint.subarray(0x10))]).toEqual([0, 0]);
    });

    test('the entry point of 3.0 leads to the same structures', () => {
      expect(latin1(entryPoint3.subarray(0, 5))).toBe('_SM3_');
      expect([entryPoint3[6], entryPoint3[7], entryPoint3[8], entryPoint3[10]]).toEqual([24, 3, 0, 1]);
      expect(sum(entryPoint3)).toBe(0);
      expect(view3.getBigUint64(0x10, true)).toBe(tableAt);
      expect(view3.getUint32(0x0c, true)).toBe(table.length);
    });

    test('as many structures as announced, the largest as large as announced', () => {
      expect(structures.map(({ type }) => type)).toEqual([0, 1, 127]);
      expect(view.getUint16(0x1c, true)).toBe(structures.length);
      expect(new Set(structures.map(({ handle }) => handle)).size).toBe(structures.length);
      const sizes = structures.map(
        ({ formatted, strings }) => formatted.length + strings.join('\0').length + 2,
      );
      expect(view.getUint16(0x08, true)).toBe(Math.max(...sizes));
      expect(sizes.reduce((total, size) => total + size)).toBe(table.length);
    });

    test('who the firmware is, and that the machine is simulated', () => {
      const [bios, system] = structures;
      expect(bios?.formatted).toHaveLength(0x18);
      expect(bios?.strings).toEqual(['sevlab', `AmdSev ${layout}`, '06/28/2022']);
      expect([4, 5, 8].map((offset) => bios?.formatted[offset])).toEqual([1, 2, 3]);
      expect(system?.formatted).toHaveLength(0x1b);
      expect(system?.strings).toEqual(['sevlab', 'Simulated SEV guest']);
      expect([4, 5, 6, 7, 0x19, 0x1a].map((offset) => system?.formatted[offset])).toEqual([1, 2, 0, 0, 0, 0]);
      expect([...(system?.formatted.subarray(8, 24) ?? [])], 'no UUID').toEqual(new Array(16).fill(0));
    });

    test('all of it lies in RuntimeServicesData, one piece behind the other', () => {
      const pieces = [
        { at: tableAt, size: table.length },
        { at: published(SMBIOS_TABLE_GUID), size: 31 },
        { at: published(SMBIOS3_TABLE_GUID), size: 24 },
        { at: BigInt(found.info.efiSystab), size: 120 },
        { at: found.systemTable.configurationTable, size: 16 * 24 },
      ].toSorted((a, b) => (a.at < b.at ? -1 : 1));
      for (const [i, { at, size }] of pieces.entries()) {
        const last = at + BigInt(size) - 1n;
        expect([at, last].map(found.typeAt)).toEqual([RUNTIME_SERVICES_DATA, RUNTIME_SERVICES_DATA]);
        expect(last, `piece ${i}`).toBeLessThan(pieces[i + 1]?.at ?? last + 1n);
      }
    });
  });
});
