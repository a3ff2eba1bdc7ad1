import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case } from '@sevlab/conformance/case';
import { allCases } from '@sevlab/conformance/cases';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeIn } from './test/command-line.ts';
import { optionalProgram } from './test/optional-program.ts';

const gccIsThere = optionalProgram('gcc', 'apt-get install --no-install-recommends gcc libc6-dev');
const pythonIsThere = optionalProgram('python3', 'apt-get install --no-install-recommends python3-minimal');

/** Whether this user may start guests. */
const canUseKvm = (() => {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
})();

const adapters = fileURLToPath(new URL('../examples/adapters', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sevlab-others-'));
beforeAll(() => void typeIn(folder, '--version')); // a fresh checkout installs and bundles first, and says so
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const conform = (target: string, ...words: string[]) =>
  typeIn(folder, 'conform', '--target', `exec:${target}`, ...words);

const qemuIsThere = optionalProgram(
  'qemu-system-x86_64',
  'apt-get install --no-install-recommends qemu-system-x86',
);
const isQemu72 =
  qemuIsThere && /version 7\.2\./.test(spawnSync('qemu-system-x86_64', ['--version']).stdout.toString());
if (qemuIsThere && !isQemu72) process.stderr.write('NOT COMPARED with QEMU: it is another one than 7.2\n');

/** Ids of the cases in a room for which something holds. */
const idsOf = <Room extends Case['room']>(
  room: Room,
  holds: (one: Extract<Case, { room: Room }>) => boolean,
) =>
  allCases().flatMap(
    (one) => (one.room === room && holds(one as Extract<Case, { room: Room }>) ? [one.id] : []), // of that room
  );

describe.runIf(pythonIsThere && isQemu72)('the real QEMU', () => {
  const target = `python3 ${join(adapters, 'vmm.py')} qemu-system-x86_64`;

  it('passes cases that need no SEV, and the others are skipped', { timeout: 120_000 }, () => {
    const plain = idsOf('vmm', ({ id, given }) => given.sev === 'none' && id.startsWith('QMP-'));
    const { status, stdout } = conform(target, ...plain, 'INJ-01');
    expect(stdout).toContain('INJ-01 skipped: there is no SEV here, and nothing that stands in for it');
    expect(stdout).toContain(`${plain.length} passed, 0 failed, 1 skipped, on QEMU 7.2`);
    expect(status).toBe(0);
  });

  if (!canUseKvm)
    process.stderr.write('SKIPPED, no /dev/kvm for us: what QEMU asks the kernel for a SEV guest\n');
  it.runIf(gccIsThere && canUseKvm)(
    'passes all of them over a kernel that stands in',
    { timeout: 240_000 },
    () => {
      const source = fileURLToPath(new URL('test/sev-stand-in.c', import.meta.url));
      const flags = ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror', '-o', 'sev-stand-in.so'];
      const built = spawnSync('gcc', [...flags, source, '-ldl'], { cwd: folder, encoding: 'utf8' });
      expect(built.stderr).toBe('');
      const standIn = `SEV_STAND_IN=${join(folder, 'sev-stand-in.so')}`;
      const { status, stdout } = conform(`${standIn} ${target}`, ...idsOf('vmm', () => true));
      expect(stdout).toContain('168 passed, 0 failed, 1 skipped, on QEMU 7.2');
      expect(status).toBe(0);
    },
  );
});

const validatorIsThere = optionalProgram(
  'virt-qemu-sev-validate',
  'apt-get install --no-install-recommends libvirt-clients-qemu python3-libvirt python3-cryptography python3-lxml',
);

it.runIf(validatorIsThere)(
  'virt-qemu-sev-validate passes what it is known to pass',
  { timeout: 120_000 },
  () => {
    const fails = (reason: string) => ({ outcome: 'fail', reason });
    const old = { outcome: 'skip', reason: 'it takes the measurements of API 0.17 and later for all' };
    const files = { outcome: 'skip', reason: 'it takes files only' };
    const expected = {
      ...{ 'MEA-02': files, 'MEA-42': files, 'MEA-37': old, 'MEA-38': old, 'PKT-13': old },
      'MEA-35': fails('it looks at the first 48 bytes only'),
      'MEA-41': fails('no vCPU is as many as it likes'),
      'PKT-16': fails('it does not mind a name under which Linux shows nothing'),
    };
    const text = JSON.stringify({ format: 'sevlab-expected-results', version: 1, expected });
    writeFileSync(join(folder, 'validator.json'), text);
    const program = '/usr/bin/python3 /usr/bin/virt-qemu-sev-validate'; // whatever else is first in PATH
    const target = `exec:python3 ${join(adapters, 'tenant.py')} ${program}`;
    const ids = idsOf('tenant', ({ when }) => when === 'measurement' || when === 'packet');
    const words = ['--expect', 'validator.json', ...ids];
    const { status, stdout } = typeIn(folder, 'conform', '--target', target, ...words);
    expect(stdout).toContain('50 passed, 0 failed, 0 skipped, 8 as expected, on virt-qemu-sev-validate');
    expect(status).toBe(0);
  },
);
