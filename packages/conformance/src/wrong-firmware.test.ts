import { fromHex } from '@sevlab/codec/bytes';
import { describe, expect, test } from 'vitest';
import type {
  AnnouncedArea,
  BuiltImage,
  FirmwareCase,
  FirmwareGiven,
  FirmwareThen,
  TableImage,
} from './case.ts';
import { allCases } from './cases.ts';
import { runCase } from './run.ts';
import type { Target } from './target.ts';
import { simTarget } from './targets/sim.ts';

const sim = simTarget();
const firmwareCases = allCases().filter((each): each is FirmwareCase => each.room === 'firmware');

/** Ids of the firmware cases of which that is so. */
const firmwareIds = (wanted: (testCase: FirmwareCase) => boolean): string[] =>
  firmwareCases.filter(wanted).map(({ id }) => id);

/** Ids of the cases that a program fails. */
const failuresOf = (target: Target): string[] =>
  firmwareIds((testCase) => runCase(testCase, target).outcome === 'fail');

/** What the emulator answers; a boot takes a while, so each is asked once. */
const rightAnswers = new Map<string, FirmwareThen>();
function rightAnswer(testCase: FirmwareCase): FirmwareThen {
  const key = JSON.stringify(testCase);
  const answer = rightAnswers.get(key) ?? sim.firmware!(testCase);
  rightAnswers.set(key, answer);
  return answer;
}

/** A firmware, or a reader of images, that is given something else than the case says. */
const mishearing = (given: (given: FirmwareGiven) => FirmwareGiven): Target => ({
  name: 'wrong',
  firmware: (testCase) => rightAnswer({ ...testCase, given: given(testCase.given) }),
});

/** One that answers something else than it should. */
const misspeaking = (answer: (right: FirmwareThen) => Partial<FirmwareThen>): Target => ({
  name: 'wrong',
  firmware: (testCase) => {
    const right = rightAnswer(testCase);
    return { ...right, ...answer(right) };
  },
});

const withImage =
  (change: (image: BuiltImage) => BuiltImage) =>
  (given: FirmwareGiven): FirmwareGiven =>
    'layout' in given.image ? { ...given, image: change(given.image) } : given;

const withTable =
  (change: (image: TableImage) => TableImage) =>
  (given: FirmwareGiven): FirmwareGiven =>
    'layout' in given.image ? given : { ...given, image: change(given.image) };

describe('a wrong reader of images fails', () => {
  const SECRET = '4c2eb361-7d9b-4cc3-8081-127c90d3d294';
  const areaOf = (entries: FirmwareThen['entries'] = []): AnnouncedArea | 'none' => {
    const data = entries.findLast(({ guid, data: bytes }) => guid === SECRET && bytes.length === 16)?.data;
    if (data === undefined) return 'none';
    const view = new DataView(fromHex(data).buffer);
    const [base, size] = [view.getUint32(0, true), view.getUint32(4, true)];
    return { base: `0x${base.toString(16)}`, size: `0x${size.toString(16)}` };
  };

  test.each<[string, Target, string[]]>([
    [
      'from low addresses up',
      misspeaking(({ entries = [] }) => ({ entries: entries.toReversed() })),
      firmwareIds(({ then }) => (then.entries?.length ?? 0) > 1),
    ],
    [
      'with the first of two blocks',
      misspeaking(({ entries }) => ({ secretArea: areaOf(entries) })),
      ['FT-13'],
    ],
    [
      'with small files',
      mishearing(withTable((image) => ({ ...image, size: Math.max(image.size, 4096) }))),
      ['FT-05'],
    ],
    [
      'with any footer',
      mishearing((given) => ({
        ...given,
        ...(given.flip?.fromEnd === 48 && { flip: { fromEnd: 1, bit: 0 } }),
      })),
      ['FT-06'],
    ],
    [
      'without a word about sizes',
      misspeaking(({ table = 'none' }) => ({ table: table === 'invalid size' ? 'none' : table })),
      ['FT-07', 'FT-09'],
    ],
    [
      'that takes a footer for a table',
      misspeaking(({ table = 'none', entries = [] }) => ({ table: entries.length === 0 ? 'there' : table })),
      ['FT-04', 'FT-05', 'FT-06', 'FT-07', 'FT-08', 'FT-09'],
    ],
    [
      'that does not look at the length of an entry',
      mishearing(
        withTable((image) => ({
          ...image,
          entries: image.entries.map(({ length, ...entry }) => entry),
        })),
      ),
      ['FT-10', 'FT-11'],
    ],
    [
      'that has the footer among its entries',
      misspeaking(({ table, entries = [] }) =>
        table === 'there'
          ? { entries: [{ guid: '96b582de-1fb2-45f7-baea-a366c55a082d', data: '' }, ...entries] }
          : {},
      ),
      firmwareIds(({ then }) => (then.entries?.length ?? 0) > 0),
    ],
    [
      'that trusts metadata',
      misspeaking(({ metadata = 'none' }) => ({ metadata: metadata === 'refused' ? [] : metadata })),
      ['FT-17', 'FT-18', 'FT-18b'],
    ],
    [
      'that is afraid of metadata',
      misspeaking(({ metadata = 'none' }) => ({ metadata: metadata === 'none' ? metadata : 'refused' })),
      ['FT-01', 'FT-02', 'FT-17a', 'FT-18a'],
    ],
  ])('%s', (_, reader, failed) => {
    expect(failuresOf(reader)).toEqual(failed);
  });
});

describe('a wrong firmware fails', () => {
  const always = (answer: Partial<FirmwareThen>): Target => misspeaking(() => answer);
  const inTable = (systemTable: FirmwareThen['systemTable']): Target =>
    misspeaking((right) => ({ systemTable: { ...right.systemTable, ...systemTable } }));
  const inMap = (memoryMap: FirmwareThen['memoryMap']): Target =>
    misspeaking((right) => ({ memoryMap: { ...right.memoryMap, ...memoryMap } }));

  test.each<[string, Target, string[]]>([
    [
      'without SecretPei',
      mishearing(withImage((image) => ({ ...image, reservesArea: false }))),
      ['PD-01', 'PD-02', 'PD-02a', 'PD-03', 'PD-06', 'PD-06a', 'MM-03', 'MM-09'],
    ],
    [
      'without SecretDxe',
      mishearing(withImage((image) => ({ ...image, publishesArea: false }))),
      firmwareIds(
        ({ then: { location = 'none', locationIn = 'none' } }) =>
          location !== 'none' || locationIn !== 'none',
      ),
    ],
    [
      'that serves where nobody should',
      mishearing(withImage(({ reservesArea, publishesArea, ...image }) => image)),
      ['PD-10'],
    ],
    [
      'of 202402 in all images',
      mishearing(withImage((image) => ({ ...image, layout: '202402' }))),
      [
        'PD-01',
        'PD-02',
        'PD-02a',
        'PD-05',
        'PD-06',
        'PD-06a',
        'PD-06b',
        'PD-07',
        'PD-10',
        'PD-12',
        'PD-13',
        'MM-07',
      ],
    ],
    [
      'that rounds the size up',
      misspeaking(({ location = 'none' }) => ({
        location: location === 'none' ? location : { ...location, size: '0x1000' },
      })),
      ['PD-02a', 'PD-05', 'PD-06b', 'PD-07'],
    ],
    [
      'that keeps the location where an SEV guest reads ciphertext',
      always({ locationIn: 'EfiReservedMemoryType' }),
      firmwareIds(({ then }) => then.locationIn !== undefined),
    ],
    [
      'that clears the area',
      misspeaking(({ secret }) => (secret === undefined ? {} : { secret: secret.replace(/./g, '0') })),
      ['PD-09'],
    ],
    [
      'that reserves the pages of SEV-SNP',
      misspeaking(({ types }) => ({
        types: { ...types, ...(types?.['0x80e000'] && { '0x80e000': 'EfiReservedMemoryType' }) },
      })),
      ['PD-12', 'MM-07'],
    ],
    [
      'that has no page for IGVM',
      mishearing(
        withImage((image) => ({ ...image, layout: image.layout === '202511' ? '202405' : image.layout })),
      ),
      ['PD-13'],
    ],
    [
      'that has one in every release',
      mishearing(
        withImage((image) => ({ ...image, layout: image.layout === '202405' ? '202511' : image.layout })),
      ),
      ['PD-13a'],
    ],
    ['that takes 0/0 for no answer', mishearing(withImage(({ secretArea, ...image }) => image)), ['PD-10a']],
    ['with the checksum of before ExitBootServices', inTable({ crc: false }), ['ST-03']],
    ['that leaves the console', inTable({ cleared: false }), ['ST-03']],
    ['of another size', inTable({ headerSize: 112 }), ['ST-04']],
    ['of another version', inTable({ revision: '0x20050' }), ['ST-04']],
    ['with tables in memory that is freed', inTable({ configurationIn: 'EfiBootServicesData' }), ['ST-08']],
    ['with a vendor in memory that is freed', inTable({ vendorIn: 'EfiBootServicesData' }), ['ST-10']],
    ['with a vendor of 8-bit units', inTable({ vendorText: false }), ['ST-10']],
    ['with the size of the structure as stride', inMap({ descriptorSize: 40 }), ['MM-01']],
    ['with another version of descriptors', inMap({ descriptorVersion: 2 }), ['MM-01']],
    ['that leaves padding as it was', inMap({ zeroPadding: false }), ['MM-02']],
    ['with entries over each other', inMap({ apart: false }), ['MM-04']],
    [
      'that protects RAM from execution',
      misspeaking(({ attributes }) => ({ attributes: { ...attributes, EfiConventionalMemory: ['0x400f'] } })),
      ['MM-05', 'MM-06'],
    ],
    [
      'without RUNTIME',
      misspeaking(({ attributes }) => ({ attributes: { ...attributes, EfiRuntimeServicesData: ['0xf'] } })),
      ['PD-13', 'MM-05'],
    ],
    [
      'that starts whatever it is given',
      misspeaking(({ outcome }) => (outcome === undefined ? {} : { outcome: 'handover' })),
      ['ATK-02', 'ATK-02a'],
    ],
  ])('%s', (_, firmware, failed) => {
    expect(failuresOf(firmware)).toEqual(failed);
  });
});
