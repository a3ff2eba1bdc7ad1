import { toHex } from '@sevlab/codec/bytes';
import { NULL_GUID } from '@sevlab/codec/guid';
import { expect, test } from 'vitest';
import type { KernelCase, KernelGiven, KernelThen, SecretArea } from './case.ts';
import { allCases } from './cases.ts';
import { runCase } from './run.ts';
import { secretAreaBytes } from './secret-area.ts';
import { answerKernel } from './targets/sim-kernel.ts';

const kernelCases = allCases().filter((testCase) => testCase.room === 'kernel');

/** Ids of the cases that a kernel fails. */
const failuresOf = (kernel: (testCase: KernelCase) => KernelThen): string[] =>
  kernelCases
    .map((testCase) => runCase(testCase, { name: 'wrong', kernel }))
    .filter(({ outcome }) => outcome !== 'pass')
    .map(({ id }) => id)
    .toSorted();

/** A kernel that does right by something else than what it is given. */
const mishearing =
  (change: (given: KernelGiven, testCase: KernelCase) => KernelGiven) =>
  (testCase: KernelCase): KernelThen =>
    answerKernel({ ...testCase, given: change(testCase.given, testCase) });

/** One that does right, and tells otherwise. */
const misspeaking =
  (change: (right: KernelThen, testCase: KernelCase) => Partial<KernelThen>) =>
  (testCase: KernelCase): KernelThen => {
    const right = answerKernel(testCase);
    return { ...right, ...change(right, testCase) };
  };

/** One that takes tables otherwise, where a case has entries to take. */
const withArea = (change: (area: SecretArea) => SecretArea) =>
  mishearing((given) =>
    typeof given.area === 'object' && 'entries' in given.area
      ? { ...given, area: change(given.area) }
      : given,
  );

test.each<[string, (testCase: KernelCase) => KernelThen, readonly string[]]>([
  [
    'makes a file of the 65th entry',
    misspeaking(({ fileCount = 0 }) => (fileCount === 64 ? { fileCount: 65 } : {})),
    ['PRS-20', 'PRS-21', 'PRS-22'],
  ],
  [
    'leaves the data of a removed file',
    misspeaking((_, { given }) => ({ areaAfter: toHex(secretAreaBytes(given.area)) })),
    ['CON-02', 'CON-03', 'DEL-01', 'DEL-11', 'DEL-12', 'DEL-18'],
  ],
  [
    'wipes when its driver goes',
    misspeaking((right, { when }) =>
      when.includes('unload') ? { areaAfter: (right.areaAfter ?? '').replace(/[^0]/g, '0') } : {},
    ),
    ['CON-02', 'DEL-11', 'DEL-12', 'DEL-13'],
  ],
  [
    'looks for the header before it makes a device, as its documentation has it',
    mishearing((given) => (given.tables && !given.linux ? { ...given, linux: 'documented' } : given)),
    ['DSC-08', 'DSC-09', 'DSC-12', 'DSC-13', 'DSC-14c', 'EFI-10a', 'EFI-15'],
  ],
  [
    'unlinks as Linux 6.1.148 does',
    mishearing((given) => (given.linux === '6.1' ? { ...given, linux: '6.1.148' } : given)),
    ['DEL-03'],
  ],
  [
    'removes folders as Linux 7.3 does',
    mishearing((given, { id }) => (id.startsWith('UNL') ? { ...given, linux: '7.3' } : given)),
    ['UNL-02'],
  ],
  [
    'takes the first of two entries for the area',
    mishearing((given) => {
      const { entries } = given.tables ?? {};
      return entries === undefined
        ? given
        : { ...given, tables: { ...given.tables, entries: entries.slice(0, 1) } };
    }),
    ['EFI-08', 'EFI-10', 'EFI-18'],
  ],
  [
    'checks the checksum of the system table',
    mishearing((given) =>
      given.tables?.systemTable?.crc === undefined
        ? given
        : { ...given, tables: { systemTable: { signature: '????????' } } },
    ),
    ['EFI-04'],
  ],
  [
    'needs runtime services',
    mishearing((given) =>
      given.tables?.commandLine === 'noefi' ? { ...given, tables: { loader: 'none' } } : given,
    ),
    ['EFI-13'],
  ],
  [
    'passes over deleted entries before it looks at their length',
    withArea((area) => ({
      ...area,
      entries: area.entries.filter(({ guid, length }) => guid !== NULL_GUID || length !== 0),
    })),
    ['GR-03', 'PRS-18'],
  ],
  [
    'takes the last of two entries with one name',
    withArea((area) => ({
      ...area,
      entries: area.entries.filter(
        ({ guid }, i) => area.entries.findIndex((each) => each.guid === guid) === i,
      ),
    })),
    ['PRS-19'],
  ],
  [
    'takes an entry that is too short for an end',
    withArea((area) => ({
      ...area,
      entries: area.entries.filter(({ length }) => length === undefined || Number(length) >= 20),
    })),
    [
      ...['DEV-09', 'DEV-14', 'GR-03', 'PRS-13', 'PRS-13a', 'PRS-18', 'PRS-26a'],
      ...['PRS-27', 'PRS-27a', 'PRS-27b'],
    ],
  ],
  [
    'trusts the location',
    mishearing((given) =>
      Number(given.size ?? 0x10000) < 20 ? { ...given, size: 0x10000, base: '0x3000000' } : given,
    ),
    ['DSC-01', 'DSC-02'],
  ],
  [
    'keeps the files that came before a fault',
    misspeaking(({ dmesg = [], files = null }) =>
      dmesg.some((line) => line.endsWith('corrupted')) ? { files: [] } : { files },
    ),
    [
      ...['CON-07', 'GR-03', 'PRS-08', 'PRS-09', 'PRS-13', 'PRS-13a', 'PRS-14', 'PRS-15'],
      ...['PRS-15a', 'PRS-18'],
    ],
  ],
  [
    'shows to whoever opened a file in time what was removed',
    misspeaking((right) => ({
      operations: (right.operations ?? []).map((each) =>
        typeof each === 'object' && each?.hex?.length === 68 && /^0+$/.test(each.hex)
          ? { ...each, hex: '61'.repeat(34) }
          : each,
      ),
    })),
    ['DEL-05', 'DEL-07'],
  ],
  [
    'answers any user as it answers root',
    (testCase) =>
      answerKernel({ ...testCase, when: testCase.when.map((line) => line.replace(/^as \d+ \d+ /, '')) }),
    ['DEL-16', 'NEG-13', 'NEG-14'],
  ],
])('a kernel that %s is noticed', (_, kernel, failures) => {
  expect(failuresOf(kernel)).toEqual(failures);
});
