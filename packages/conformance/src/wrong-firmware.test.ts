import { fromHex } from '@sevlab/codec/bytes';
import type { LayoutName } from '@sevlab/firmware-sim/layouts';
import { describe, expect, test } from 'vitest';
import type {
  AnnouncedArea,
  BuiltImage,
  FirmwareCase,
  FirmwareGiven,
  FirmwareThen,
  HashesTable,
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

/** One that answers so where that is given. */
const misspeakingOn = (where: (given: FirmwareGiven) => boolean, answer: Partial<FirmwareThen>): Target => ({
  name: 'wrong',
  firmware: (testCase) => ({ ...rightAnswer(testCase), ...(where(testCase.given) && answer) }),
});

/** Where the verifier of 202408 answers otherwise than the one before. */
const SINCE_202408 = ['HT-12', 'HT-12a', 'HT-12b', 'HT-14', 'HT-14a', 'HT-14b', 'HT-16', 'HT-18a', 'HT-19'];

const ALL_RIGHT: HashesTable = {
  entries: (['cmdline', 'initrd', 'kernel'] as const).map((of) => ({ of, hash: 'right' })),
};

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
      ['FT-10', 'FT-10a', 'FT-11'],
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
      ).concat('GR-02'),
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
        ...SINCE_202408,
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
      ['PD-09', 'GR-02'],
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
    [
      'whose GRUB leaves the passphrase',
      mishearing(withImage(({ grub, ...image }) => (grub === 'empty' ? { ...image, grub } : image))),
      ['GR-01', 'GR-02'],
    ],
    [
      'whose GRUB is full of itself',
      mishearing(
        withImage(({ grub, ...image }) => (grub === 'empty' ? image : { ...image, ...(grub && { grub }) })),
      ),
      ['GR-04'],
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
      firmwareIds(({ then }) => then.outcome === 'stopped'),
    ],
  ])('%s', (_, firmware, failed) => {
    expect(failuresOf(firmware)).toEqual(failed);
  });
});

describe('a wrong verifier of what the host offers fails', () => {
  const withHashes = (change: (table: HashesTable) => HashesTable): Target =>
    mishearing((given) =>
      typeof given.hashes === 'object' ? { ...given, hashes: change(given.hashes) } : given,
    );
  const withEntries = (change: (entries: HashesTable['entries']) => HashesTable['entries']): Target =>
    withHashes((table) => ({ ...table, entries: change(table.entries) }));
  const before202408 = ['HT-13', 'HT-15'];
  const inLayout = (from: LayoutName, to: LayoutName): Target =>
    mishearing((given) =>
      given.offered === undefined
        ? given
        : withImage((image) => (image.layout === from ? { ...image, layout: to } : image))(given),
    );
  const faulty = (of: HashesTable['entries'][number]['of']): Target =>
    withEntries((entries) => entries.map((entry) => (entry.of === of ? { ...entry, hash: 'right' } : entry)));

  test.each<[string, Target, string[]]>([
    ['that is one of before 202408', inLayout('202405', '202302'), SINCE_202408],
    ['that is one of 202408', inLayout('202302', '202405'), before202408],
    ['that does not look at the kernel', faulty('kernel'), ['HT-12', 'HT-13', 'HT-17', 'HT-18a']],
    ['that does not look at the initrd', faulty('initrd'), ['HT-12a', 'HT-16']],
    ['that does not look at the command line', faulty('cmdline'), ['HT-12b']],
    [
      'in which the last of two entries decides',
      withEntries((entries) => entries.toReversed()),
      ['HT-17a', 'HT-18', 'HT-18a', 'HT-19', 'HT-19a'],
    ],
    [
      'that wants the order of QEMU',
      misspeakingOn(({ hashes }) => typeof hashes === 'object' && hashes.entries[0]?.of === 'kernel', {
        outcome: 'stopped',
      }),
      ['HT-09', 'HT-14a'],
    ],
    [
      "that does not look at the table's length",
      withHashes(({ length, ...table }) => table),
      ['HT-10', 'HT-10a', 'HT-10b'],
    ],
    [
      "that wants no zeros in the table's length",
      misspeakingOn(({ hashes }) => typeof hashes === 'object' && hashes.length === 0x400, {
        outcome: 'stopped',
      }),
      ['HT-11'],
    ],
    ['that takes any table', withHashes(({ guid, ...table }) => table), ['HT-10d']],
    [
      'that makes a table of zeros',
      mishearing((given) => (given.hashes === 'zeros' ? { ...given, hashes: ALL_RIGHT } : given)),
      ['HT-10c'],
    ],
    [
      'that makes a table of noise',
      mishearing((given) =>
        given.hashes === undefined && given.offered ? { ...given, hashes: ALL_RIGHT } : given,
      ),
      ['HT-10f'],
    ],
    [
      'that lets everything start under an empty table',
      withEntries((entries) => (entries.length === 0 ? [{ of: 'nothing', hash: 'wrong' }] : entries)),
      ['HT-10e'],
    ],
    [
      'that does not look at the length of an entry',
      withEntries((entries) => entries.map(({ length, ...entry }) => entry)),
      ['HT-17a', 'HT-19', 'HT-19a'],
    ],
    [
      'that mends the command line',
      mishearing(({ offered, ...given }) => ({
        ...given,
        ...(offered && {
          offered: {
            ...offered,
            ...(offered.commandLine && { commandLine: offered.commandLine.replace(/\0?$/, '\0') }),
          },
        }),
      })),
      ['HT-21'],
    ],
    [
      'that says why it hangs',
      misspeaking(({ console: seen }) => (seen ? { console: 'No bootable option was found.' } : {})),
      firmwareIds(({ then }) => then.console === 'nothing'),
    ],
    [
      'that calls verified what it took unseen',
      misspeaking(({ items = {} }) => ({
        items: Object.fromEntries(
          Object.entries(items).map(([name, outcome]) => [
            name,
            outcome === 'refused' ? outcome : 'verified',
          ]),
        ),
      })),
      ['HT-14', 'HT-14a', 'HT-14b', 'HT-19'],
    ],
  ])('%s', (_, verifier, failed) => {
    expect(failuresOf(verifier)).toEqual(failed);
  });
});
