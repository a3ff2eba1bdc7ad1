import { existsSync, readFileSync } from 'node:fs';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import { SEV_METADATA_GUID } from '@sevlab/codec/guid';
import { describe, expect, test } from 'vitest';
import recordings from '../../codec/test/vectors/ovmf/guid-tables.json' with { type: 'json' };
import { type Inspection, inspectImage } from './inspect.ts';
import { readModules } from './inspect-volumes.ts';
import { LAYOUTS } from './layouts.ts';
import { encodeSevMetadata } from './sev-metadata.ts';

const DPKG_STATUS = '/var/lib/dpkg/status';

type Recording = (typeof recordings)[number];

/** The bytes that were recorded of an image, in their places, and zeros. */
function sparseImage(recorded: Recording): Uint8Array {
  const image = new Uint8Array(recorded.size);
  image.set(fromHex(recorded.last48), recorded.size - 48);
  if (recorded.table_hex !== undefined) image.set(fromHex(recorded.table_hex), recorded.table_file_offset);
  for (const { metadata_hex: metadata, metadata_file_offset: offset } of recorded.entries ?? []) {
    if (metadata !== undefined) image.set(fromHex(metadata), offset);
  }
  return image;
}

/** What an inspection must have found. The numbers are read here, and not by the reader under test. */
function expectRecorded({ size, table, entries, secretArea, hashesArea }: Inspection, recorded: Recording) {
  expect(size).toBe(recorded.size);
  expect(table).toEqual(
    recorded.footer
      ? { kind: 'table', offset: recorded.table_file_offset, size: recorded.table_len }
      : { kind: 'none', reason: expect.stringContaining('48 bytes before its end is') },
  );
  expect(entries.map(({ guid, name, offset, data }) => ({ guid, name, offset, data: toHex(data) }))).toEqual(
    (recorded.entries ?? []).map(({ guid, name, data, data_file_offset: offset }) => ({
      ...{ guid, name, offset, data },
    })),
  );
  for (const { guid, metadata_hex: metadata, metadata_file_offset: offset } of recorded.entries ?? []) {
    if (metadata === undefined) continue;
    const decoded = entries.find((entry) => entry.guid === guid)?.decoded;
    expect(decoded).toMatchObject({ kind: 'offset', fromEnd: recorded.size - offset });
    const words = new Uint32Array(fromHex(metadata).slice().buffer);
    if (words[0] !== 0x56455341) continue; // "ASEV"
    const sections = Array.from({ length: words[3]! }, (_, i) => {
      const [base, length, type] = words.subarray(4 + 3 * i);
      return { base, size: length, type };
    });
    expect(decoded).toMatchObject({ sections });
  }
  const area = (name: string) => {
    const data = recorded.entries?.find((entry) => entry.name === name)?.data;
    if (data === undefined) return undefined;
    const [base, length] = new Uint32Array(fromHex(data).slice().buffer);
    return { base, size: length };
  };
  expect(secretArea).toEqual(area('SEV secret block'));
  expect(hashesArea).toEqual(area('SEV hash table block'));
}

const texts = ({ findings }: Inspection): string[] =>
  findings.map(({ severity, text }) => `${severity}: ${text}`);

describe('what was recorded of 25 real images', () => {
  test('they are 25', () => expect(recordings).toHaveLength(25));

  test.each(recordings.map((recorded) => [`${recorded.package} ${recorded.file}`, recorded] as const))(
    '%s',
    (_, recorded) => expectRecorded(inspectImage(sparseImage(recorded)), recorded),
  );
});

describe('what is said of them', () => {
  const inspected = (file: string, packaged: string): Inspection => {
    const recorded = recordings.find((each) => each.file.endsWith(file) && each.package.includes(packaged));
    if (recorded === undefined) throw new Error(`there is no ${file} of ${packaged}`);
    return inspectImage(sparseImage(recorded));
  };

  test.each(['ovmf-amdsev', 'ovmf-generic'])('%s of 2026.08 has one table, and it is sound', (packaged) => {
    const image = inspected(packaged === 'ovmf-amdsev' ? 'OVMF.amdsev.fd' : 'OVMF.fd', packaged);
    expect(texts(image)).toEqual([]);
    expect(image.secretArea).toEqual({ base: 0x810000, size: 0xc00 });
    expect(image.hashesArea).toEqual({ base: 0x810c00, size: 0x400 });
  });

  test.each(['bookworm', 'trixie'])('the two blocks of 0/0 of %s are traps', (packaged) => {
    expect(texts(inspected('ovmf/OVMF.fd', packaged))).toEqual([
      expect.stringMatching(/^warning: the secret block says base 0x0, size 0/),
      expect.stringMatching(/^warning: the hash table block says base 0x0, size 0/),
    ]);
  });

  test('the layout 202511 has the metadata of ovmf-amdsev 2026.08', () => {
    const recorded = recordings.find(({ package: packaged }) => packaged.startsWith('ovmf-amdsev'));
    const metadata = recorded?.entries?.find(({ guid }) => guid === SEV_METADATA_GUID)?.metadata_hex;
    expect(toHex(encodeSevMetadata(LAYOUTS['202511'].sevMetadata))).toBe(metadata);
  });

  test('a variable store has no table', () => {
    expect(texts(inspected('OVMF_VARS.fd', 'bookworm'))).toEqual([
      expect.stringMatching(/^error: no GUIDed table:/),
    ]);
  });
});

/** FILE_GUID of edk2 OvmfPkg/Sec/SecMain.inf, which lies uncompressed in every image of OVMF. */
const SEC_MAIN = 'df1ccef6-f301-4a63-9661-fc6030dcc880';

describe('images that are installed here', () => {
  const status = existsSync(DPKG_STATUS) ? readFileSync(DPKG_STATUS, 'utf8') : '';
  const version = /^Package: ovmf\n(?:.+\n)*?Version: (.+)$/m.exec(status)?.[1];
  const ofThisRelease = recordings.filter((each) => each.package.startsWith(`ovmf ${version} `));

  const expectReal = (image: Uint8Array, recorded: Recording) => {
    const inspection = inspectImage(image);
    expectRecorded(inspection, recorded);
    if (!recorded.footer) return; // a store of variables, without modules
    expect([...readModules(image).fileGuids]).toContain(SEC_MAIN);
    expect(inspection.drivers).toEqual({ kind: 'unknown', reason: expect.stringContaining('compressed') });
  };

  test.each(ofThisRelease.map((recorded) => [recorded.file, recorded] as const))(
    '%s, byte for byte',
    (path, recorded) => {
      const image = readFileSync(path);
      expect(inspectImage(image).sha256).toBe(recorded.sha256);
      expectReal(image, recorded);
    },
  );

  test('are of a release that was recorded', () => {
    if (ofThisRelease.length > 0) return;
    const paths = [...new Set(recordings.map(({ file }) => file))].filter((path) => existsSync(path));
    const unknown = paths.filter((path) => {
      const image = readFileSync(path);
      const { sha256 } = inspectImage(image);
      const recorded = recordings.find((each) => each.sha256 === sha256);
      if (recorded !== undefined) expectReal(image, recorded);
      return recorded === undefined;
    });
    console.warn(
      version === undefined
        ? 'NO REAL IMAGE of the package ovmf was read; sevlab doctor says how to install it.'
        : `THE PACKAGE ovmf IS ${version}, OF WHICH NOTHING WAS RECORDED. Not compared: ${unknown.join(' ')}`,
    );
  });
});
