import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { toHex } from '@sevlab/codec/bytes';
import { loadScenario } from '@sevlab/lab/scenario/load';
import { runScenario } from '@sevlab/lab/scenario/run';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { stepsOf } from '@sevlab/story/steps';
import { type PassingStructure, Structures } from '@sevlab/story/structures';
import { describe, expect, it } from 'vitest';
import { SEVLAB } from './test/command-line.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Scenarios that between them pass every structure that a launch knows, and what each is here for. */
const SCENARIOS = {
  'packages/lab/scenarios/kernel-documentation.yaml': [
    ...['init', 'platform-status', 'pdh-cert-export', 'certificate', 'amd-certificate-head', 'session'],
    ...['launch-start', 'activate', 'launch-update', 'launch-measure', 'measurement', 'packet-header'],
    ...['secret-header', 'launch-secret', 'handle', 'manifest', 'secret-location', 'system-table'],
    ...[
      'configuration-table',
      'memory-descriptor',
      'efi-info',
      'e820-entry',
      'secret-entry',
      'encrypted-file',
    ],
    ...['rsdp', 'fadt', 'facs', 'madt', 'smbios-entry-point', 'smbios3-entry-point'],
  ],
  'packages/lab/scenarios/attacks/a09-kernel-exchanged.yaml': ['hashes-table-header'],
  'packages/lab/scenarios/attacks/a23-registers-tampered.yaml': ['vmsa'],
  'packages/lab/scenarios/attacks/a04-secret-over-code.yaml': ['attestation', 'attestation-report'],
  'packages/lab/scenarios/attacks/a13-sent-to-the-host.yaml': ['send-start', 'send-update', 'packet-header'],
};

function passingIn(name: string): PassingStructure[] {
  const file = `${root}${name}`;
  const { scenario } = loadScenario(file);
  const { setup, secrets } = setupOf(scenario, file, { record: true });
  const { events } = runScenario(scenario, file, setup, secrets).pipeline.observer;
  const structures = new Structures(events);
  return stepsOf(events).flatMap((step) => structures.of(step));
}

const sevlab = (command: string) =>
  spawnSync(SEVLAB, command.split(' ').slice(1), { encoding: 'utf8', timeout: 60_000 });

describe.each(Object.entries(SCENARIOS))('%s', (name, expected) => {
  const passing = passingIn(name);

  it('passes the structures that it should', () => {
    expect([...new Set(passing.map((each) => each.name))]).toEqual(expect.arrayContaining(expected));
  });

  it('has fields over all the bytes, without gap or overlap', () => {
    for (const { label, bytes, fields } of passing) {
      let end = 0;
      for (const { offset, length, value } of fields) {
        expect({ label, offset }).toEqual({ label, offset: end });
        expect(value).not.toBe('');
        end += length;
      }
      expect({ label, end }).toEqual({ label, end: bytes.length });
    }
  });

  it('shows plaintext of the guest to nobody as open bytes', () => {
    const tables = passing.filter(({ label }) => label.includes('secret table'));
    expect(tables.every(({ openness }) => openness === 'closed')).toBe(true);
  });

  it('names the command that gives the same fields', () => {
    for (const structure of expected) {
      const each = passing.find((one) => one.name === structure && one.command?.includes(' annotate '));
      if (each === undefined) continue; // of a whole table the command is another
      const { status, stdout, stderr } = sevlab(`${each.command} --json`);
      expect({ structure, status, stderr }).toEqual({ structure, status: 0, stderr: '' });
      const told: { fields: { field: string; offset: number; size: number; bytes: string }[] } =
        JSON.parse(stdout);
      const own = each.fields.slice(0, told.fields.length);
      expect(told.fields.map(({ offset, size, bytes }) => ({ offset, size, bytes }))).toEqual(
        own.map(({ offset, length }) => ({
          ...{ offset, size: length, bytes: toHex(each.bytes.subarray(offset, offset + length)) },
        })),
      );
    }
  });
});

it('a whole secret table has the command that lists its entries', () => {
  const passing = passingIn('packages/lab/scenarios/kernel-documentation.yaml');
  const table = passing.find(({ label }) => label === 'secret table')!;
  const { status, stdout } = sevlab(table.command!);
  expect(status).toBe(0);
  for (const { value, name } of table.fields)
    if (name.startsWith('entry') && name.endsWith('guid')) expect(stdout).toContain(value.slice(0, 36));
  expect(table.fields.filter(({ name }) => name.endsWith(' data'))).toHaveLength(4);
});

it('what one sends, another places, and the AMD-SP reads or writes is the same', () => {
  const passing = passingIn('packages/lab/scenarios/kernel-documentation.yaml');
  const alike = {
    'PDH certificate': 2,
    "guest owner's certificate": 3,
    'launch session': 3,
    measurement: 2,
    'packet header': 3,
    'packet data': 3,
    'secret table': 2,
  };
  for (const [label, times] of Object.entries(alike)) {
    const bytes = passing.filter((each) => each.label === label).map((each) => toHex(each.bytes));
    expect({ label, bytes }).toEqual({ label, bytes: Array(times).fill(bytes[0]) });
  }
});
