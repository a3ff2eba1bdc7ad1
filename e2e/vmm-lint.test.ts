import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { typeIn } from './test/command-line.ts';
import { QmpClient } from './test/qmp-client.ts';
import { killStarted, type StartedVmm, startVmm } from './test/started-vmm.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-lint-'));
const socket = join(folder, 'qmp');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  killStarted();
  rmSync(socket, { force: true });
});
beforeAll(() => {
  const build = (...words: string[]) => typeIn(folder, 'firmware', 'build', ...words).status;
  expect(build('--out', 'zero', '--secret-area', '0:0')).toBe(0);
  expect(build('--out', 'small', '--secret-area', '0x810000:0x10')).toBe(0);
  writeFileSync(join(folder, 'vmlinuz'), 'no kernel');
});

const vmm = (...args: string[]): Promise<StartedVmm> =>
  startVmm(folder, '--seed', 'host', '--qmp', socket, ...args);

/** Base64 of so many bytes. */
const base64 = (length: number): string => Buffer.alloc(length, 7).toString('base64');

/** A packet that is refused, since nobody has sealed it. */
const packet = (more: Record<string, unknown> = {}) => ({
  'packet-header': base64(52),
  secret: base64(64),
  ...more,
});

describe('--lint', () => {
  it.each<[string, readonly string[], readonly [string, Record<string, unknown>?][], RegExp]>([
    ['no session', [], [], /no session-file: nobody has keys/],
    ['a kernel beside the measurement', ['--kernel', 'vmlinuz'], [], /-kernel without kernel-hashes=on/],
    [
      'options that come to nothing',
      ['--', '-device', 'virtio-rng-pci'],
      [],
      /without effect here: .*-device virtio-rng-pci/,
    ],
    [
      'an area of 0/0',
      ['--firmware', 'zero'],
      [['sev-inject-launch-secret', packet()]],
      /injects at address 0/,
    ],
    [
      'a secret that does not fit',
      ['--firmware', 'small'],
      [['sev-inject-launch-secret', packet()]],
      /64 bytes into an area of 16/,
    ],
    [
      'an address elsewhere',
      [],
      [['sev-inject-launch-secret', packet({ gpa: 4096 })]],
      /to 0x1000, and the image announces one at 0x810000/,
    ],
    [
      'Base64 without its padding',
      [],
      [['sev-inject-launch-secret', packet({ secret: base64(64).slice(0, -1) })]],
      /secret is no proper Base64: .*; 63 bytes are left/,
    ],
    [
      'Base64 of another alphabet',
      [],
      [['sev-inject-launch-secret', packet({ 'packet-header': `-${base64(52)}` })]],
      /packet-header is no proper Base64/,
    ],
    [
      'a migration too early',
      [],
      [['migrate', { uri: 'exec:cat' }]],
      /QEMU forbids it to a SEV guest only once/,
    ],
    ['a command of QEMU’s', [], [['query-block-jobs']], /query-block-jobs: QEMU 7.2 has this command/],
  ])('tells of %s, and is silent unless asked', async (_, args, commands, message) => {
    for (const [words, expected] of [
      [['--lint', ...args], expect.stringMatching(message)],
      [args, expect.not.stringMatching(message)],
    ] as const) {
      const { stderr, exited } = await vmm(...words);
      const client = await QmpClient.negotiated(socket);
      for (const [name, given] of commands) await client.ask(name, given);
      await client.ask('quit');
      await exited;
      expect(stderr()).toEqual(expected);
    }
  });

  it('finds nothing where there is nothing, and no fault with a line end in Base64', async () => {
    const { stderr } = await vmm('--lint');
    const client = await QmpClient.negotiated(socket);
    await client.ask('sev-inject-launch-secret', packet({ secret: `${base64(64)}\n` }));
    await client.ask('no-such-command');
    await expect.poll(stderr).toContain('LAUNCH_SECRET: BAD_MEASUREMENT'); // a refusal is explained in any case
    const rest = stderr().trimEnd().split('\n').slice(3);
    expect(rest.filter((line) => !line.startsWith('sevlab vmm: LAUNCH_SECRET: '))).toEqual([]);
  });
});
