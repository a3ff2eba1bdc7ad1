import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allCases } from '@sevlab/conformance/cases';
import { runCases } from '@sevlab/conformance/run';
import { linuxTarget } from '@sevlab/conformance/targets/linux';
import { BUILD_GUEST } from '@sevlab/lab/root-folder';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import { afterAll, describe, expect, it } from 'vitest';
import { SEVLAB } from './test/command-line.ts';
import { realKernelIsThere } from './test/real-kernel.ts';

const folder = fileURLToPath(new URL('../packages/real-guest', import.meta.url));

it.runIf(realKernelIsThere)(
  'a real kernel passes every case that is for it',
  { timeout: 600_000 },
  async () => {
    const target = await linuxTarget(findGuestParts(folder)!);
    const cases = allCases().filter(({ room }) => room === 'kernel');
    const results = await runCases(cases, target);
    expect(results.filter(({ outcome }) => outcome === 'fail')).toEqual([]);
    const passed = results.filter(({ outcome }) => outcome === 'pass').length;
    const skipped = results.filter(({ outcome }) => outcome === 'skip');
    process.stderr.write(`${passed} cases pass on ${target.name}, ${skipped.length} are not for it\n`);
    expect(skipped.length).toBeLessThan(15);
  },
);

const empty = mkdtempSync(join(tmpdir(), 'sevlab-conform-'));
afterAll(() => rmSync(empty, { recursive: true, force: true }));

const conform = (env: NodeJS.ProcessEnv, ...words: string[]) =>
  spawnSync(process.execPath, [SEVLAB, 'conform', '--target', 'linux', ...words], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });

describe('sevlab conform --target linux', () => {
  it.runIf(realKernelIsThere)('says which kernel it was, and why a case is not for it', () => {
    const { status, stdout } = conform({}, 'EFI-03', 'UNL-03', 'LSE-19');
    expect(status).toBe(0);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^LSE-19 skipped: Linux 6\.1\.\d+ has no psp$/),
      expect.stringMatching(/^UNL-03 skipped: the kernel is Linux 6\.1\.\d+, not 7\.3$/),
      expect.stringMatching(/^1 passed, 0 failed, 2 skipped, on Linux 6\.1\.\d+$/),
      '',
    ]);
  });

  it('without a guest kernel says how to make one', () => {
    const { status, stdout, stderr } = conform({ XDG_CACHE_HOME: empty }, 'EFI-03');
    expect({ status, stdout }).toEqual({ status: 5, stdout: '' });
    expect(stderr).toBe(
      `sevlab conform: there is no guest kernel yet; try ${BUILD_GUEST}, which makes one in some minutes\n`,
    );
  });

  it.runIf(realKernelIsThere)('without QEMU says how to install it', () => {
    const { status, stdout, stderr } = conform({ PATH: empty }, 'EFI-03');
    expect({ status, stdout }).toEqual({ status: 5, stdout: '' });
    expect(stderr).toBe(
      'sevlab conform: qemu-system-x86_64: it cannot be started; try apt-get install --no-install-recommends qemu-system-x86\n',
    );
  });
});
