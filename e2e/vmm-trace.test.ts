import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBase64, utf8 } from '@sevlab/codec/bytes';
import Ajv from 'ajv/dist/2020.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SEVLAB, typeIn } from './test/command-line.ts';
import { ConsoleClient } from './test/console-client.ts';
import { QmpClient } from './test/qmp-client.ts';
import { SEALED_GUID, sealSecret } from './test/seal-secret.ts';
import { killStarted, startVmm } from './test/started-vmm.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-vmm-trace-'));
const inFolder = (name: string): string => join(folder, name);
const [qmp, tty] = [inFolder('qmp'), inFolder('console')];
const schemaFile = fileURLToPath(new URL('../packages/ambient/trace.schema.json', import.meta.url));
const SECRET = 'a secret that only the guest may know';
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(killStarted);

beforeAll(() => {
  const run = (...args: string[]) => spawnSync(SEVLAB, args, { cwd: folder });
  expect(run('platform', 'export', '--seed', 'host', '--out', 'chain').status).toBe(0);
  expect(run('owner', 'session', 'chain', '--seed', 'owner').status).toBe(0);
});

type Line = Readonly<Record<string, unknown>>;

const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** The trace of a launch with a refusal by KVM, one by the AMD-SP, and a secret that is read at the console. */
async function recordLaunch(name: string, ...options: string[]): Promise<string> {
  const session = ['--dh-cert-file', 'vm_godh.b64', '--session-file', 'vm_session.b64'];
  const { exited } = await startVmm(
    folder,
    ...['--seed', 'host', '--qmp', qmp, '--console', tty, '--trace', name, ...session, ...options],
  );
  const client = await QmpClient.negotiated(qmp);
  const { data } = (await client.ask('query-sev-launch-measure')) as { data: string };
  const [tik, tek] = ['tik', 'tek'].map((key) => readFileSync(inFolder(`vm_${key}.bin`)));
  const packet = sealSecret({ secret: utf8(SECRET), measurement: fromBase64(data), tik: tik!, tek: tek! });
  const inject = (more: Record<string, unknown>) =>
    client.ask('sev-inject-launch-secret', { ...packet, ...more });
  await inject({ secret: Buffer.alloc(16_400).toString('base64') });
  await inject({ 'packet-header': Buffer.alloc(52).toString('base64') });
  expect(await inject({})).toEqual({});
  const terminal = await ConsoleClient.open(tty);
  await client.ask('cont');
  await terminal.logIn('root');
  await terminal.type('cd /sys/kernel/security/secrets/coco');
  await terminal.type(`cat ${SEALED_GUID}; echo`);
  await client.ask('quit');
  expect(await exited).toBe(0);
  return readFileSync(inFolder(name), 'utf8');
}

describe('sevlab vmm --trace', () => {
  it('has the log of calls, what clients and VMM said, and what ran; and no secret', async () => {
    const text = await recordLaunch('closed');
    const lines = linesOf(text);
    const validate = new Ajv.default().compile(JSON.parse(readFileSync(schemaFile, 'utf8')));
    for (const line of lines)
      expect(validate(line), JSON.stringify({ line, errors: validate.errors })).toBe(true);

    const calls = lines.filter(({ type }) => type === 'kvm');
    expect(calls.map(({ call, ret, fwError }) => [call, ret, fwError])).toEqual([
      ['SEV_PLATFORM_STATUS', 0, 0], // in the order in which QEMU's own code calls (test/vectors of vmm-sim)
      ['KVM_SEV_INIT', 0, 0],
      ['KVM_SEV_LAUNCH_START', 0, 0],
      ['KVM_SEV_LAUNCH_UPDATE_DATA', 0, 0],
      ['KVM_SEV_LAUNCH_MEASURE', -5, 4],
      ['KVM_SEV_LAUNCH_MEASURE', 0, 0],
      ['KVM_SEV_LAUNCH_SECRET', -22, 0],
      ['KVM_SEV_LAUNCH_SECRET', -5, 11],
      ['KVM_SEV_LAUNCH_SECRET', 0, 0],
      ['KVM_SEV_LAUNCH_FINISH', 0, 0],
    ]);
    const said = lines.filter(({ type }) => type === 'qmp').map(({ from, text: words }) => [from, words]);
    expect(said[0]).toEqual(['vmm', expect.stringContaining('{"QMP": {"version":')]);
    expect(said[1]).toEqual(['client', '{"execute": "qmp_capabilities", "arguments": {}}']);
    expect(said[2]).toEqual(['vmm', '{"return": {}}']);
    expect(said).toContainEqual([
      'vmm',
      `{"error": {"class": "GenericError", "desc": "SEV: failed to inject secret ret=-22 fw_error=0 ''"}}`,
    ]);
    expect(lines.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['vmrun', 'handover', 'printk', 'shell']),
    );
    expect(lines[0]).toMatchObject({ command: 'vmm', seed: 'host', revealed: false });
    const hidden = [
      SECRET,
      ...[0, 1, 2].map((shift) =>
        Buffer.from(' '.repeat(shift) + SECRET)
          .toString('base64')
          .slice(4, -4),
      ),
    ];
    expect(hidden.filter((each) => text.includes(each))).toEqual([]);
    const revealed = await recordLaunch('revealed', '--reveal');
    expect(hidden.some((each) => revealed.includes(each))).toBe(true);
  });

  it('is written too when the launch is refused, and on a signal', async () => {
    const common = ['vmm', '--seed', 'host', '--qmp', qmp];
    const session = ['--dh-cert-file', 'vm_godh.b64', '--session-file', 'vm_session.b64', '--policy', '3'];
    expect(typeIn(folder, ...common, ...session, '--trace', 'refused').status).toBe(1);
    expect(linesOf(readFileSync(inFolder('refused'), 'utf8')).at(-1)).toMatchObject({
      ...{ type: 'kvm', call: 'KVM_SEV_LAUNCH_START', ret: -5, fwError: 11 },
    });
    const { child, exited } = await startVmm(folder, ...common.slice(1), '--trace', 'ended');
    child.kill('SIGTERM');
    expect(await exited).toBe(143);
    expect(readFileSync(inFolder('ended'), 'utf8')).toContain('KVM_SEV_LAUNCH_MEASURE');
    expect(typeIn(folder, ...common, '--trace', 'missing/trace')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('missing/trace: no such file'),
    });
  });
});
