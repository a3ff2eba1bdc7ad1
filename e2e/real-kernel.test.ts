import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WATCHED_COMMAND_LINE } from '@sevlab/real-guest/command-line';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SEVLAB, typeIn } from './test/command-line.ts';
import { complaintsOf, realKernelIsThere } from './test/real-kernel.ts';

const SCENARIO = new URL('../packages/lab/scenarios/kernel-documentation.yaml', import.meta.url);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sevlab-real-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Answer {
  readonly op: string;
  readonly [key: string]: unknown;
}

describe.runIf(realKernelIsThere)('a real Linux kernel on memory that the emulator prepared', () => {
  const scenario = parse(readFileSync(SCENARIO, 'utf8'));
  const secrets: { guid: string; text?: string; hex?: string }[] = scenario.secrets;
  const contentOf = ({ text, hex }: (typeof secrets)[number]) =>
    hex ?? Buffer.from(text ?? '').toString('hex');

  it('finds the area, loads the module, shows the four secrets, and wipes them', () => {
    const { status, stdout, stderr } = typeIn(folder, 'boot', '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { answers, area, differences, published } = JSON.parse(stdout);
    expect(differences).toEqual([]);
    const [boot, autoload, ls, readall, ...rest] = answers as [Answer, Answer, Answer, Answer, ...Answer[]];
    expect(boot).toMatchObject({
      release: expect.stringMatching(/^6\.1\.\d+/),
      modalias: 'platform:efi_secret\n',
    });
    expect(boot.cmdline).toMatch(/^efi=noruntime /);
    expect(published).toMatchObject({ base: '0x810000', size: 0xc00, reserved: true });
    expect(boot.k).toContainEqual(expect.stringContaining(` CocoSecret=${published.location} `));
    expect(autoload).toMatchObject({ rc: 0, loaded: true, bound: true });
    expect(autoload.k).toEqual(['<6>efi_secret efi_secret.0: Created 4 entries in securityfs secrets/coco']);
    expect(ls.e).toEqual(
      secrets.map(({ guid: n }) => ({ n, t: '-', mode: '0440', uid: 0, gid: 0, size: 0, nlink: 1 })),
    );
    expect(readall.f).toEqual(
      secrets.map((secret) => ({
        n: secret.guid,
        len: contentOf(secret).length / 2,
        hex: contentOf(secret),
      })),
    );
    expect(rest.map(({ op, rc }) => [op, rc])).toEqual([
      ...secrets.map(() => ['rm', 0]),
      ['ls', 0],
      ['unload', 0],
    ]);
    for (const secret of secrets) {
      expect(area.before).toContain(contentOf(secret));
      expect(area.after).not.toContain(contentOf(secret).slice(0, 16));
    }
  });

  it('has nothing to complain of', async () => {
    const boot = (): string[] => {
      const { stdout } = typeIn(folder, 'boot', '--json');
      const [first] = JSON.parse(stdout).answers as [Answer];
      return first.k as string[];
    };
    expect(await complaintsOf(boot)).toEqual([]);
  });

  it("a scenario's secrets stay out unless asked for", () => {
    writeFileSync(join(folder, 'own.yaml'), readFileSync(SCENARIO));
    const quiet = typeIn(folder, 'boot', 'own.yaml', '--json');
    expect(quiet.status).toBe(0);
    const told = typeIn(folder, 'boot', 'own.yaml', '--json', '--reveal');
    for (const secret of secrets) {
      expect(quiet.stdout).not.toContain(contentOf(secret));
      expect(told.stdout).toContain(contentOf(secret));
    }
  });

  it('boots a kernel of your own, and says when its time is over', () => {
    const parts = findGuestParts(new URL('../packages/real-guest', import.meta.url).pathname)!;
    const { status, stdout } = typeIn(
      folder,
      'boot',
      '--kernel',
      parts.kernel,
      '--append',
      WATCHED_COMMAND_LINE,
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/CocoSecret=0x/);
    expect(stdout).toMatch(/Kernel panic - not syncing: No working init found/);
    expect(stdout).toMatch(/of the 240 bytes of the secret table in the guest's RAM, the kernel changed 0/);
  });

  it('a kernel without a serial console is named', () => {
    const parts = findGuestParts(new URL('../packages/real-guest', import.meta.url).pathname)!;
    const { status, stdout } = typeIn(
      folder,
      'boot',
      '--kernel',
      parts.kernel,
      '--append',
      WATCHED_COMMAND_LINE.replace('ttyS0', 'ttyS1'),
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/nothing came over the serial port; expected .* console=ttyS0/);
  });
});

describe('sevlab boot, refusing', () => {
  it.each([
    [['--seconds', '0'], 2, /--seconds: expected a positive number, got 0/],
    [['--initrd', 'x'], 2, /--initrd: expected --kernel with it/],
    [['--kernel', 'no-such-file'], 2, /no-such-file: no such file/],
    [['no-such-scenario.yaml'], 2, /no-such-scenario\.yaml: no such file/],
    [['--kernel', SEVLAB], 5, /the guest does not start: No bootable option was found\. \(the kernel/],
  ])('%j: one message', (line, expected, message) => {
    const { status, stdout, stderr } = typeIn(folder, 'boot', ...line);
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({
      status: expected,
      stdout: '',
      lines: 2,
    });
    expect(stderr).toMatch(message);
  });
});
