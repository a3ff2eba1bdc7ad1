import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const schema = JSON.parse(readFileSync(`${root}packages/ambient/trace.schema.json`, 'utf8')) as object;
const folder = mkdtempSync(join(tmpdir(), 'sevlab-trace-'));

/** A trace, written by a process of its own. */
function record(name: string, ...options: string[]): string {
  const file = join(folder, name);
  execFileSync(`${root}sevlab`, ['demo', '--quiet', '--trace', file, ...options], { cwd: folder });
  return readFileSync(file, 'utf8');
}

const linesOf = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** What only the guest owner and the guest may know in the demonstration. */
const SECRETS = ['these-are-the-kata-secrets', 'correct horse battery staple', 'Patient 4711'];

describe('a trace file', () => {
  const closed = record('closed.jsonl');
  const revealed = record('revealed.jsonl', '--reveal');

  it('matches its published schema, line by line', () => {
    const validate = new Ajv.default().compile(schema);
    for (const text of [closed, revealed]) {
      for (const line of linesOf(text)) {
        expect(validate(line), JSON.stringify({ line, errors: validate.errors }).slice(0, 600)).toBe(true);
      }
    }
  });

  it('is byte-identical in another process', () => {
    expect(record('again.jsonl', '--reveal')).toBe(revealed);
    expect(record('other.jsonl', '--seed', 'other')).not.toBe(closed);
  });

  it('holds no closed byte unless asked to', () => {
    const leaks = (text: string) =>
      SECRETS.filter((secret) =>
        [0, 1, 2].some((shift) => {
          // base64 of a text depends on where it stands modulo 3; the ends may be shared with neighbours
          const encoded = Buffer.from(' '.repeat(shift) + secret)
            .toString('base64')
            .slice(4, -4);
          return text.includes(encoded);
        }),
      );
    expect(leaks(revealed)).toEqual(SECRETS);
    expect(leaks(closed)).toEqual([]);
  });

  it('tells of the closed bytes only how many there were', () => {
    const events = linesOf(closed).filter((line): line is { closed: Record<string, unknown> } =>
      Object.hasOwn(line as object, 'closed'),
    );
    expect(events.length).toBeGreaterThan(50);
    for (const { closed: bytes } of events) {
      for (const field of Object.values(bytes)) expect(Object.keys(field as object)).toEqual(['length']);
    }
  });

  it('has the log of KVM calls of the launch', () => {
    const calls = linesOf(closed).filter((line): line is { type: 'kvm'; call: string; ret: number } =>
      Object.entries(line as object).some(([key, value]) => key === 'type' && value === 'kvm'),
    );
    expect(calls.map(({ call, ret }) => `${call} ${ret}`)).toEqual([
      'KVM_SEV_INIT 0',
      'KVM_SEV_LAUNCH_START 0',
      'KVM_SEV_LAUNCH_UPDATE_DATA 0',
      'KVM_SEV_LAUNCH_MEASURE 0',
      'KVM_SEV_LAUNCH_SECRET 0',
      'KVM_SEV_LAUNCH_FINISH 0',
    ]);
  });

  it('numbers its events and never goes back in time', () => {
    const events = linesOf(closed).filter((line): line is { seq: number; t: number } =>
      Object.hasOwn(line as object, 'seq'),
    );
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
    for (const [i, { t }] of events.entries()) expect(t).toBeGreaterThan(events[i - 1]?.t ?? 0);
  });
});
