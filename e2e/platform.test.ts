import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemEntropy } from '@sevlab/ambient/entropy';
import { toHex } from '@sevlab/codec/bytes';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { startStoredPlatform } from '@sevlab/lab/emulated-platform';
import { createPipeline } from '@sevlab/lab/pipeline';
import { PlatformStore } from '@sevlab/lab/platform-store';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { EMULATED_ARK, EMULATED_ASK } from '@sevlab/sev-channel/emulated-root';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sevlab-platform-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Types a command line in another folder than the checkout. */
function type(...line: string[]) {
  const { status, stdout, stderr } = spawnSync(`${root}sevlab`, ['platform', ...line], {
    cwd: folder,
    env: { ...process.env, HOME: folder, XDG_STATE_HOME: '' },
  });
  return { status, stdout: new Uint8Array(stdout), text: stdout.toString(), stderr: stderr.toString() };
}

const read = (name: string): Buffer => readFileSync(join(folder, name));
const PREDICTABLE = 'predictable keys: everybody who knows the seed can make them too\n';

describe('platform export', () => {
  it('writes PDH, PEK, OCA and CEK, and with --full ASK and ARK', () => {
    const bare = type('export', '--seed', 'a');
    const full = type('export', '--seed', 'a', '--full', '--out', 'full.bin');
    expect(bare).toMatchObject({ status: 0, stderr: PREDICTABLE });
    expect(full).toMatchObject({ status: 0, stderr: PREDICTABLE, text: '' });
    expect(bare.stdout.length).toBe(8336);
    const usages = [0, 1, 2, 3].map((i) => SevCertificate.decodeAt(bare.stdout, i * 2084).pubkeyUsage);
    expect(usages).toEqual([0x1003, 0x1002, 0x1001, 0x1004]);
    expect(read('full.bin')).toEqual(Buffer.concat([bare.stdout, EMULATED_ASK, EMULATED_ARK]));
  });

  it('keeps nothing with a seed, and gives the platform that a scenario with that seed has', () => {
    const before = readdirSync(folder);
    const chain = type('export', '--seed', 'scenario', '--full').stdout;
    const { setup } = setupOf({ version: 1, title: 'platform', steps: [] }, '', {
      record: true,
      seed: 'scenario',
    });
    const pipeline = createPipeline(setup);
    pipeline.offer();
    const message = pipeline.observer.events.find(
      (event) => 'open' in event && event.open?.pdh !== undefined,
    );
    const { pdh, pek, oca, cek, ask, ark } = message!.open!;
    expect(toHex(chain)).toBe([pdh, pek, oca, cek, ask, ark].map((bytes) => toHex(bytes!)).join(''));
    expect(readdirSync(folder)).toEqual(before);
  });

  it('keeps one platform, private to the user, and each export is the same bytes', () => {
    const first = type('export', '--store', 'kept');
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(type('export', '--store', 'kept').stdout).toEqual(first.stdout);
    expect(type('export', '--store', 'other').stdout).not.toEqual(first.stdout);
    expect(statSync(join(folder, 'kept')).mode & 0o777).toBe(0o700);
    const files = readdirSync(join(folder, 'kept')).map((name) => {
      const { mode, size } = statSync(join(folder, 'kept', name));
      return [name, mode & 0o777, size];
    });
    expect(files).toEqual([
      ['fuses.bin', 0o600, 32],
      ['nv-area.bin', 0o600, 32_768],
    ]);
  });

  it('keeps it below HOME unless told otherwise', () => {
    expect(type('export').status).toBe(0);
    expect(readdirSync(join(folder, '.local/state/sevlab/platform'))).toEqual(['fuses.bin', 'nv-area.bin']);
    const state = join(folder, 'state');
    spawnSync(`${root}sevlab`, ['platform', 'export'], { env: { ...process.env, XDG_STATE_HOME: state } });
    expect(readdirSync(join(state, 'sevlab/platform'))).toEqual(['fuses.bin', 'nv-area.bin']);
  });

  it('several at once agree on one platform', async () => {
    const chains = await Promise.all(
      [1, 2, 3, 4].map(
        () =>
          new Promise<string>((resolve) => {
            const child = spawn(`${root}sevlab`, ['platform', 'export', '--store', 'raced'], { cwd: folder });
            const chunks: Buffer[] = [];
            child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
            child.on('close', () => resolve(Buffer.concat(chunks).toString('hex')));
          }),
      ),
    );
    expect(chains[0]).toHaveLength(2 * 8336);
    expect(new Set(chains).size).toBe(1);
  });

  it('with a seed in a store makes the chip of that seed, and refuses to call another one that', () => {
    const chain = type('export', '--store', 'seeded', '--seed', 'b').stdout;
    expect(type('export', '--store', 'seeded', '--seed', 'b').stdout).toEqual(chain);
    expect(type('export', '--store', 'seeded again', '--seed', 'b').stdout).toEqual(chain);
    const other = type('export', '--store', 'seeded', '--seed', 'c');
    expect(other).toMatchObject({ status: 2, text: '' });
    expect(other.stderr).toMatch(/--seed: expected the one that made the platform in seeded, got another/);
  });
});

describe('platform status and reset', () => {
  it('status tells of a store that is empty, and leaves it so', () => {
    expect(type('status', '--store', 'empty')).toMatchObject({
      status: 0,
      text: 'empty: no identity yet; platform export makes one\n',
    });
    expect(JSON.parse(type('status', '--store', 'empty', '--json').text)).toEqual({
      store: 'empty',
      identity: null,
    });
    expect(existsSync(join(folder, 'empty'))).toBe(false);
  });

  it('reset makes another identity of the same chip', () => {
    type('export', '--store', 'reset');
    const tell = () => JSON.parse(type('status', '--store', 'reset', '--json').text).identity;
    const before = tell();
    expect(before).toMatchObject({
      apiMajor: 1,
      apiMinor: 55,
      build: 25,
      state: 'INIT',
      owner: 'self',
      guestCount: 0,
    });
    expect(tell()).toEqual(before);
    expect(type('reset', '--store', 'reset').status).toBe(0);
    const after = tell();
    expect(after.fingerprints.CEK).toBe(before.fingerprints.CEK);
    for (const name of ['OCA', 'PEK', 'PDH'])
      expect(after.fingerprints[name]).not.toBe(before.fingerprints[name]);
  });

  it.each([
    [
      'a flipped byte in the identity',
      'nv-area.bin',
      (bytes: Buffer) => bytes.fill(bytes[100]! ^ 1, 100, 101),
      /SECURE_DATA_INVALID.*try sevlab platform reset/,
    ],
    [
      'the fuses of another chip',
      'fuses.bin',
      (bytes: Buffer) => bytes.fill(7),
      /SECURE_DATA_INVALID.*try sevlab platform reset/,
    ],
    [
      'a short identity',
      'nv-area.bin',
      (bytes: Buffer) => bytes.subarray(1),
      /nv-area\.bin: expected 32768 bytes, got 32767; try sevlab platform reset/,
    ],
    [
      'short fuses',
      'fuses.bin',
      (bytes: Buffer) => bytes.subarray(1),
      /fuses\.bin: expected 32 bytes, got 31; try another --store/,
    ],
    [
      'fuses that are gone',
      'fuses.bin',
      () => undefined,
      /nv-area\.bin: expected fuses\.bin beside it.*try sevlab platform reset/,
    ],
  ])('%s: one message, and nothing is overwritten', (_, name, damage, message) => {
    rmSync(join(folder, 'damaged'), { recursive: true, force: true });
    type('export', '--store', 'damaged');
    const damaged = damage(read(`damaged/${name}`));
    if (damaged === undefined) rmSync(join(folder, 'damaged', name));
    else writeFileSync(join(folder, 'damaged', name), damaged);
    const files = () =>
      readdirSync(join(folder, 'damaged')).map((file) => [file, read(`damaged/${file}`).toString('hex')]);
    const before = files();
    for (const command of ['status', 'export']) {
      const { status, stderr, text } = type(command, '--store', 'damaged');
      expect({ status, text, lines: stderr.split('\n').length }).toEqual({ status: 5, text: '', lines: 2 });
      expect(stderr).toMatch(message);
    }
    expect(files()).toEqual(before);
    if (String(message).includes('reset')) {
      expect(type('reset', '--store', 'damaged').status).toBe(0);
      expect(type('export', '--store', 'damaged').status).toBe(0);
    }
  });

  it.each(['export', 'status', 'reset'])('%s in a place that is no folder: one message', (command) => {
    writeFileSync(join(folder, 'file'), '');
    const { status, stderr } = type(command, '--store', 'file');
    expect(stderr).toMatch(/^sevlab platform \w+: file: .*; expected a folder that can be written\n$/);
    expect(status).toBe(2);
  });
});

/** Which identity a store has, as its PDH; undefined for none. Throws for a broken one. */
function identityIn(store: string): string | undefined {
  const opened = new PlatformStore(store);
  return opened.loadArea() && toHex(startStoredPlatform(opened, systemEntropy).certificates.pdh);
}

describe.each(['export', 'reset'])('a crash during platform %s', (command) => {
  const store = join(folder, `crash-${command}`);
  const pristine = join(folder, `pristine-${command}`);
  const log = join(folder, `log-${command}`);
  /** Runs the command on a fresh copy of the store, and kills it there. */
  function crash(environment: Record<string, string>): NodeJS.Signals | null {
    rmSync(store, { recursive: true, force: true });
    if (existsSync(pristine)) cpSync(pristine, store, { recursive: true });
    const killer = ['--require', `${root}e2e/test/kill-at.cjs`];
    const line = ['platform', command, '--store', store];
    const { signal } = spawnSync(process.execPath, [...killer, join(folder, 'sevlab.cjs'), ...line], {
      env: { ...process.env, ...environment },
    });
    return signal;
  }

  let steps: string[] = [];
  let old: string | undefined;
  beforeAll(() => {
    type('status', '--store', 'none'); // the bundle is fresh from here on
    copyFileSync(`${root}dist/sevlab.cjs`, join(folder, 'sevlab.cjs'));
    writeFileSync(join(folder, 'package.json'), '{ "name": "sevlab" }');
    if (command === 'reset') type('export', '--store', pristine);
    old = existsSync(pristine) ? identityIn(pristine) : undefined;
    expect(crash({ LOG: log })).toBeNull();
    steps = readFileSync(log, 'utf8').split('\n');
  });

  it('each file is on the disk before it has its name, and its name before the command ends', () => {
    const put = command === 'reset' ? 'renameSync' : 'linkSync';
    const order = steps.filter((step) => ['writeFileSync', 'fsyncSync', put].includes(step));
    const one = ['writeFileSync', 'fsyncSync', put, 'fsyncSync'];
    expect(order).toEqual(command === 'reset' ? one : ['fsyncSync', ...one, ...one]); // first the new folder's name
  });

  it('leaves the old identity or the new one behind every step', () => {
    const seen = steps.map((name, i) => {
      const step = `${i + 1} ${name}`;
      expect(crash({ STEP: String(i + 1) }), step).toBe('SIGKILL');
      return identityIn(store);
    });
    const changed = seen.findIndex((identity) => identity !== old);
    expect(seen.slice(0, changed)).toEqual(Array(changed).fill(old));
    expect(seen.slice(changed).every((identity) => identity !== undefined && identity !== old)).toBe(true);
    expect(steps[changed]).toBe(command === 'reset' ? 'renameSync' : 'linkSync');
  });

  it('leaves the old one in the middle of a write, and the next start works', () => {
    for (const [i, name] of steps.entries()) {
      if (name !== 'writeFileSync') continue;
      expect(crash({ STEP: String(i + 1), HALF: '1' })).toBe('SIGKILL');
      expect(identityIn(store)).toBe(old);
      expect(type('export', '--store', store).status).toBe(0);
    }
  });
});
