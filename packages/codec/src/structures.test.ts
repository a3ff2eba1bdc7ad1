import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Struct } from './layout.ts';
import { STRUCTURES } from './structures.ts';

const isStruct = (value: unknown): value is Struct<unknown> =>
  typeof value === 'object' && value !== null && 'annotate' in value && 'paddedSize' in value;

test('every exported structure can be looked up by name', async () => {
  const listed = new Set(Object.values(STRUCTURES));
  const missing: string[] = [];
  for (const file of readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || /\.(test|fuzz|test-d)\.ts$/.test(file)) continue;
    const exported: Record<string, unknown> = await import(/* @vite-ignore */ `./${file}`);
    for (const value of Object.values(exported)) {
      if (isStruct(value) && !listed.has(value)) missing.push(`${file}: ${value.name}`);
    }
  }
  expect(missing).toEqual([]);
});

test('every structure cites its source, every live field says what it means', () => {
  for (const { name, spec, rows } of Object.values(STRUCTURES)) {
    expect(spec, name).not.toBe('');
    for (const row of rows) {
      expect(row.doc, `${name}.${row.name}`).toMatch(row.type.startsWith('reserved(') ? /^$|\.$/ : /\.$/);
    }
  }
});

/** Sizes as the documents state them, not as sums of our fields. */
test.each([
  ['session', 0x80],
  ['measurement', 0x30],
  ['attestation-report', 0xd0],
  ['packet-header', 0x34],
  ['packet-mac-prefix', 29],
  ['vmsa', 0x1000],
  ['vmsa-segment', 16],
  ['certificate', 0x824],
  ['ec-public-key', 0x404],
  ['ecdsa-signature', 0x200],
  ['amd-certificate-head', 0x40],
  ['guided-entry-tail', 18],
  ['area-block', 8],
  ['reset-block', 4],
  ['hashes-table-header', 18],
  ['hashes-table-entry', 50],
  ['manifest', 64],
  ['secret-location', 16],
  ['secret-header', 20],
  ['secret-entry', 20],
  ['system-table', 120],
  ['configuration-table', 24],
  ['memory-descriptor', 48],
  ['memory-attributes-table', 16],
  ['rsdp-1.0', 20],
  ['rsdp', 36],
  ['acpi-header', 36],
  ['generic-address', 12],
  ['fadt', 244],
  ['facs', 64],
  ['madt', 44],
  ['local-apic', 8],
  ['io-apic', 12],
  ['interrupt-source-override', 10],
  ['smbios-entry-point', 31],
  ['smbios3-entry-point', 24],
  ['smbios-header', 4],
  ['smbios-bios-information', 24],
  ['smbios-system-information', 27],
  ['efi-info', 32],
  ['e820-entry', 20],
  ['encrypted-file', 48],
])('%s has %i bytes', (name, size) => {
  expect(STRUCTURES[name]?.size).toBe(size);
});
