import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { typeIn } from './test/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-conform-'));
beforeAll(() => void typeIn(folder, '--version')); // a fresh checkout installs and bundles first, and says so
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A kernel that binds to every area and finds no secret in any. */
const BLIND = `exec:while read line; do case $line in
  *'"do"'*) echo '{"probe":{"bound":true},"dir":[],"read":[]}';;
  *) echo '{"protocol":"sevlab-exec","version":1,"name":"blind","rooms":["kernel"],"sees":["dir","read"]}';;
esac; done`;
const IDS = ['PRS-01', 'PRS-06', 'DEL-05', 'LSE-01'];

const conform = (...words: string[]) => typeIn(folder, 'conform', ...words);
const blind = (...words: string[]) => conform('--target', BLIND, ...words);
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
function expectFile(file: string, expected: object): string {
  writeFileSync(
    join(folder, file),
    JSON.stringify({ format: 'sevlab-expected-results', version: 1, expected }),
  );
  return file;
}

const PRS_01 = { outcome: 'fail', reason: 'it looks at no entries yet' };
const DEL_05 = { outcome: 'skip', reason: 'there are no files to open' };

it('shows every case below its clause', () => {
  const { status, stdout } = blind('--tree', ...IDS);
  expect(stdout.split('\n').slice(0, 9)).toEqual([
    '55766',
    '  LAUNCH_SECRET',
    '    skip   all 1: it has no psp',
    'drivers/virt/coco/efi_secret/efi_secret.c',
    '  efi_secret_securityfs_setup',
    '    FAIL   PRS-01   Four entries become four files [function]',
    '    ok     PRS-06   A table of a header alone has no files, and its directory is there',
    '  efi_secret_bin_file_show',
    '    skip   all 1: it performs no operations',
  ]);
  expect(stdout).toMatch(/PRS-01 .*\n {2}expected .*\n {2}got .*\n {2}again/);
  expect(status).toBe(1);
});

it('writes reports for CI', () => {
  const { status } = blind('--junit', 'junit.xml', '--ctrf', 'ctrf.json', ...IDS);
  expect(status).toBe(1);
  expect(read('junit.xml')).toContain('tests="4" failures="1" errors="0"');
  expect(read('junit.xml')).toMatch(
    /name="PRS-01 Four entries become four files" time="0\.000">\n +<failure message=/,
  );
  const { results } = JSON.parse(read('ctrf.json'));
  expect(results.summary).toMatchObject({ tests: 4, passed: 1, failed: 1, skipped: 2, other: 0 });
  expect(results.tests[1]).toMatchObject({
    testId: 'PRS-01',
    suite: ['drivers/virt/coco/efi_secret/efi_secret.c', 'efi_secret_securityfs_setup'],
    labels: { room: 'kernel', severity: 'function' },
  });
});

it('takes a failure that was expected, with its reason', () => {
  const file = expectFile('good.json', { 'PRS-01': PRS_01, 'DEL-05': DEL_05 });
  const { status, stdout } = blind('--expect', file, '--ctrf', 'known.json', ...IDS);
  expect(status).toBe(0);
  expect(stdout).toContain('PRS-01 fail, as expected: it looks at no entries yet');
  expect(stdout).toContain('1 passed, 0 failed, 1 skipped, 2 as expected, on blind');
  const { tests } = JSON.parse(read('known.json')).results;
  expect(tests[1]).toMatchObject({ status: 'other', message: PRS_01.reason });
});

it.each([
  ['a pass that nobody expected', { 'PRS-01': PRS_01, 'DEL-05': DEL_05, 'PRS-06': PRS_01 }, 'and passes'],
  ['a failure that nobody expected', { 'DEL-05': DEL_05 }, '1 failed'],
  ['a skip that nobody expected', { 'PRS-01': PRS_01 }, 'skipped, and not expected to be'],
  ['a skip in place of a failure', { 'PRS-01': PRS_01, 'DEL-05': PRS_01 }, 'and is skipped'],
])('refuses %s', (name, expected, message) => {
  const { status, stdout } = blind('--expect', expectFile(`${name}.json`, expected), ...IDS);
  expect(stdout).toContain(message);
  expect(status).toBe(1);
});

it.each([
  [
    'a case that does not exist',
    { 'PRS-99': PRS_01 },
    'PRS-99: there is no such case; try sevlab conform --list',
  ],
  ['no reason', { 'PRS-01': { outcome: 'fail', reason: 'todo' } }, 'PRS-01: expected a reason, got "todo"'],
])('refuses a file with %s', (_, expected, message) => {
  const { status, stderr } = blind('--expect', expectFile('bad.json', expected), ...IDS);
  expect(stderr).toContain(`bad.json: ${message}`);
  expect(status).toBe(4);
});

it('writes the file as it is, and takes it when the reasons are there', () => {
  const first = blind('--expect', 'made.json', '--update', ...IDS);
  expect(first).toEqual({
    status: 0,
    stdout: '',
    stderr: 'made.json: 2 entries\nmade.json: write a reason for PRS-01\n',
  });
  expect(blind('--expect', 'made.json', ...IDS).status).toBe(4);
  writeFileSync(join(folder, 'made.json'), read('made.json').replace('""', '"it looks at no entries yet"'));
  expect(blind('--expect', 'made.json', ...IDS).status).toBe(0);
  blind('--expect', 'made.json', '--update', ...IDS);
  expect(JSON.parse(read('made.json')).expected['PRS-01']).toEqual(PRS_01);
});

it.each([
  [['--update'], '--update: expected --expect FILE, the file to write'],
  [
    ['--expect', 'nowhere.json'],
    'nowhere.json: no such file; expected a file of expected results; --update makes one',
  ],
  [['--junit', 'nowhere/junit.xml', 'MBX-03'], 'nowhere/junit.xml: '],
])('%j is wrong usage', (words, message) => {
  const { status, stderr } = conform(...words);
  expect(stderr).toContain(message);
  expect(status).toBe(2);
});

it('exports the suite into a folder of its own', () => {
  const { status, stderr } = conform('--export', 'suite');
  expect({ status, stderr }).toEqual({ status: 0, stderr: 'suite: 41 files\n' });
  expect(read('suite/LICENSE')).toContain('Apache License');
  expect(JSON.parse(read('suite/cases/psp/launch-secret.json'))[0].id).toBe('LSE-01');
  const again = conform('--export', 'suite');
  expect(again).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('expected a folder that is new or empty'),
  });
  expect(conform('--export', 'suite/README.md').status).toBe(2);
});

it('lists what there is to know of a case', () => {
  const { stdout } = conform('--list', '--json', 'LSE-19');
  expect(JSON.parse(stdout)).toMatchObject({
    id: 'LSE-19',
    room: 'psp',
    clause: { document: '55766', title: 'LAUNCH_SECRET' },
    severity: 'security',
    provenance: [{ kind: 'behaviour' }, { kind: 'tool', what: expect.stringContaining('sevctl 0.6.2') }],
  });
});
