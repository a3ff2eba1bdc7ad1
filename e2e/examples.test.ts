import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SEVLAB, typeIn } from './test/command-line.ts';
import { optionalProgram } from './test/optional-program.ts';
import { realKernelIsThere } from './test/real-kernel.ts';

const socatIsThere = optionalProgram('socat', 'apt-get install --no-install-recommends socat');

const examples = fileURLToPath(new URL('../examples/ci', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sevlab-examples-'));
beforeAll(() => void typeIn(folder, '--version')); // a fresh checkout installs and bundles first, and says so
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (script: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
  spawnSync(join(examples, script), args, {
    ...{ cwd: folder, encoding: 'utf8', timeout: 120_000 },
    env: { ...process.env, TMPDIR: folder, ...env },
  });

/** A sevlab whose output is changed by this sed script. */
function liar(name: string, edit: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${SEVLAB} "$@" > "$0.out"; code=$?; sed '${edit}' "$0.out"; exit $code\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('the recipe for CI', () => {
  it.skipIf(!realKernelIsThere)('finds the secret of a file in a real Linux', () => {
    writeFileSync(join(folder, 'secret'), Buffer.from('00ff0a27202d', 'hex'));
    const { status, stdout, stderr } = run('test-secrets.sh', ['secret']);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^Linux 6\.1\.\d+: 736869e5-84f0-4973-92ec-06879ce3da0b holds the secret, 6 bytes\n/,
    );
    expect(stdout).toMatch(/changed-packet\.yaml: as expected, 7 steps\n$/);
  });

  it.skipIf(!realKernelIsThere)('fails when the guest has another one, or none', () => {
    const other = liar('other', 's/"hex": "6d616465/"hex": "6d616466/');
    expect(run('test-secrets.sh', [], { SEVLAB: other })).toMatchObject({
      ...{ status: 1, stderr: expect.stringMatching(/expected the secret of 21 bytes, got 21/) },
    });
    const none = liar('none', 's/"n": "736869e5/"n": "00000000/');
    expect(run('test-secrets.sh', [], { SEVLAB: none })).toMatchObject({
      ...{ status: 1, stderr: expect.stringMatching(/got no file/) },
    });
  });

  it.skipIf(!socatIsThere)('goes over QMP as on hardware, and leaves nothing', () => {
    const before = readdirSync(folder);
    const { status, stdout, stderr } = run('over-qmp.sh');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      'the measurement is good; injected: 1 secret in 64 bytes\nthe guest reads open sesame\n',
    );
    expect(readdirSync(folder)).toEqual(before);
  });

  it.skipIf(!socatIsThere)('fails when there is no VMM', () => {
    const broken = join(folder, 'broken');
    writeFileSync(broken, `#!/bin/sh\n[ "$1" = vmm ] && { echo no VMM >&2; exit 7; }\nexec ${SEVLAB} "$@"\n`);
    chmodSync(broken, 0o755);
    expect(run('over-qmp.sh', [], { SEVLAB: broken })).toMatchObject({ status: 1, stderr: 'no VMM\n' });
  });

  it('is a job whose scripts are there', () => {
    const action = parse(readFileSync(join(examples, 'github-action.yml'), 'utf8'));
    const commands: string = action.jobs.secrets.steps.map(({ run: each = '' }) => each).join('\n');
    const named = [...commands.matchAll(/\bsevlab\/(\S+\.sh)/g)].map(([, path]) => path!);
    expect(named).toHaveLength(3);
    for (const path of named) expect(existsSync(join(examples, '../..', path)), path).toBe(true);
  });
});
