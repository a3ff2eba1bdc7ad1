import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { fromBase64, toBase64, toHex } from '@sevlab/codec/bytes';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { buildImage } from '@sevlab/firmware-sim/image';
import { makeSession } from '@sevlab/guest-owner-sim/make-session';
import { decodePoint } from '@sevlab/sev-channel/certificate';
import { sealPacket } from '@sevlab/sev-channel/packet';
import type { PacketKeys } from '@sevlab/sev-channel/packet-defects';
import { policyMac } from '@sevlab/sev-channel/session';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import sevTool from '../packages/sev-channel/test/vectors/sev-tool-launch-blob.json' with { type: 'json' };
import sevctl from '../packages/sev-channel/test/vectors/sevctl-session.json' with { type: 'json' };
import { SEVLAB, typeIn } from './test/command-line.ts';
import { optionalProgram } from './test/optional-program.ts';
import { QmpClient } from './test/qmp-client.ts';
import { type StartedVmm, startVmm } from './test/started-vmm.ts';

const validatorIsThere = optionalProgram(
  'virt-qemu-sev-validate',
  'apt-get install --no-install-recommends libvirt-clients-qemu python3-libvirt python3-cryptography python3-lxml',
);

const folder = mkdtempSync(join(tmpdir(), 'sevlab-online-'));
const socket = join(folder, 'qmp');
const read = (name: string): string => readFileSync(join(folder, name), 'latin1');

beforeAll(() => {
  typeIn(folder, 'platform', 'export', '--seed', 'host', '--out', 'chain');
  typeIn(folder, 'owner', 'session', 'chain', '--policy', '1', '--seed', 'owner');
  typeIn(folder, 'owner', 'session', 'chain', '--policy', '1', '--seed', 'somebody', '--name', 'other');
  writeFileSync(join(folder, 'fw'), buildImage({ layout: '202405' }));
  writeFileSync(join(folder, 's'), 'correct horse');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const started: StartedVmm[] = [];
afterEach(async () => {
  for (const { child, exited } of started.splice(0)) {
    child.kill('SIGTERM');
    await exited;
  }
});

const SESSION = ['--dh-cert-file', 'vm_godh.b64', '--session-file', 'vm_session.b64'];
async function vmm(...line: string[]): Promise<StartedVmm> {
  const vm = await startVmm(folder, '--seed', 'host', '--firmware', 'fw', '--qmp', socket, ...line);
  started.push(vm);
  return vm;
}

/** Without blocking: the VMM and its sockets are other processes, but some tests listen themselves. */
const owner = (...line: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const child = spawn(SEVLAB, ['owner', ...line], { cwd: folder });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (bytes) => (stdout += bytes));
    child.stderr.on('data', (bytes) => (stderr += bytes));
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });

/** Ends it first: standard error may come later than an answer. */
async function allThatItSaid({ child, exited, stderr }: StartedVmm): Promise<string> {
  child.kill('SIGTERM');
  await exited;
  return stderr();
}

const KEYS = ['--tik', 'vm_tik.bin', '--tek', 'vm_tek.bin'];
const ONLINE = ['--qmp', socket, '--firmware', 'fw', ...KEYS];
const SECRET = ['--inject-secret', 'luks-key:s'];

describe('a launch behind QMP', () => {
  it('is measured, is given a secret, and runs on; then it takes no more', async () => {
    await vmm(...SESSION);
    const measured = await owner('measure', ...ONLINE, '--insecure');
    expect(measured).toMatchObject({ status: 0, stderr: '' });
    expect(measured.stdout).toMatch(/^the measurement is that of the launch with digest [0-9a-f]{64}\n$/);
    const first = await owner('secret', ...ONLINE, ...SECRET, '--insecure');
    expect(first).toEqual({
      status: 0,
      stderr: '',
      stdout: 'the measurement is good; injected: 1 secret in 64 bytes\n',
    });
    const again = await owner('secret', ...ONLINE, ...SECRET, '--insecure', '--resume', '--quiet');
    expect(again).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await owner('secret', ...ONLINE, ...SECRET, '--insecure')).toEqual({
      status: 5,
      stdout: '',
      stderr: expect.stringMatching(
        /^sevlab owner secret: query-sev: the guest is in state running; expected launch-secret/,
      ),
    });
    expect(await owner('measure', ...ONLINE, '--insecure')).toMatchObject({ status: 0 });
    const client = await QmpClient.negotiated(socket);
    expect(await client.ask('query-status')).toMatchObject({ running: true });
    client.close();
  });

  it('on this machine is asked only when told to', async () => {
    for (const place of [socket, `unix:${socket}`, 'tcp:127.0.0.1:1', 'tcp:localhost:1', 'tcp:[::1]:1']) {
      const { status, stderr } = await owner('measure', ...ONLINE, '--qmp', place);
      expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringContaining('add --insecure') });
    }
  });

  it('on this machine under another name is told by the connection', async () => {
    const server = createServer((client) => {
      client.on('error', () => {});
      client.resume().write(answers('{"return":{}}'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { status } = await owner('measure', ...ONLINE, '--qmp', `tcp:0.0.0.0:${port}`);
    await new Promise((resolve) => server.close(resolve));
    expect(status).toBe(3);
  });

  it('is refused with the keys of another session, and nothing is injected', async () => {
    const vm = await vmm(...SESSION);
    const keys = ['--tik', 'other_tik.bin', '--tek', 'other_tek.bin'];
    const refused = await owner('secret', ...ONLINE, ...keys, ...SECRET, '--insecure');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('no single known difference explains it');
    expect(await allThatItSaid(vm)).not.toContain('LAUNCH_SECRET');
  });

  it('without a session is refused, and that is named', async () => {
    await vmm();
    expect(await owner('measure', ...ONLINE, '--insecure')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(
        'it would fit if the TIK were zeros: the guest was launched without a session',
      ),
    });
  });

  it('is refused with another image', async () => {
    await vmm(...SESSION);
    writeFileSync(join(folder, 'other-fw'), buildImage({ layout: '202402' }));
    const refused = await owner('secret', ...ONLINE, '--firmware', 'other-fw', ...SECRET, '--insecure');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
  });

  it('that is none is wrong configuration', async () => {
    const line = ['-machine', 'q35', '-S', '-qmp', `unix:${socket},server=on,wait=off`];
    started.push(await startVmm(folder, '--seed', 'host', '--', ...line));
    expect(await owner('measure', ...ONLINE, '--insecure')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('it is no SEV guest'),
    });
  });

  it('on which somebody else talks is waited for, and then given up', async () => {
    await vmm(...SESSION);
    const client = await QmpClient.negotiated(socket);
    const given = await owner('measure', ...ONLINE, '--insecure', '--timeout', '1');
    expect(given).toMatchObject({
      status: 5,
      stderr: expect.stringContaining(
        'expected a greeting; somebody else may be connected, got nothing in 1 s',
      ),
    });
    client.close();
  });

  it('that nobody serves', async () => {
    expect(await owner('measure', ...ONLINE, '--insecure')).toMatchObject({
      status: 5,
      stderr: expect.stringMatching(/^sevlab owner measure: --qmp .*ENOENT/),
    });
  });

  it.each([
    ['no JSON', 'hello\n'],
    ['no greeting', '{"return":{}}\r\n'],
    ['a list', '[1]\r\n'],
    ['nothing, and hangs up', ''],
    ['a long line', 'x'.repeat(3 << 20)],
    ['no measurement', answers('{"return":{"data":7}}')],
    ['a short measurement', answers('{"return":{"data":"AAAA"}}')],
    ['escape sequences', answers('{"error":{"class":"GenericError","desc":"\\u001b[2J\\n\\u202e"}}')],
    ['events without end', answers('{"event":"STOP"}\r\n'.repeat(5000))],
    [
      'a refusal',
      answers('{"error":{"class":"GenericError","desc":"SEV launch measurement is not available"}}'),
    ],
  ])('a host that answers with %s gets nothing, and no stack trace comes of it', async (_, text) => {
    const server = createServer((client) => {
      client.on('error', () => {});
      client.resume();
      client.end(text);
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const { status, stdout, stderr } = await owner(
      'secret',
      ...ONLINE,
      ...SECRET,
      '--insecure',
      '--timeout',
      '2',
    );
    await new Promise((resolve) => server.close(resolve));
    expect([1, 5]).toContain(status);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^sevlab owner secret: [^\n]+\n$/);
    expect(stderr).not.toContain('fault of sevlab');
    expect(stderr.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it.skipIf(!validatorIsThere)("takes what Debian's virt-qemu-sev-validate sealed", async () => {
    await vmm(...SESSION);
    const client = await QmpClient.negotiated(socket);
    const { data } = (await client.ask('query-sev-launch-measure')) as { data: string };
    const line = [
      '--api-major',
      '1',
      '--api-minor',
      '55',
      '--build-id',
      '25',
      '--policy',
      '1',
      '--firmware',
      'fw',
    ];
    const { status, stderr } = spawnSync(
      '/usr/bin/python3',
      [
        ...['/usr/bin/virt-qemu-sev-validate', '--measurement', data, ...line, ...KEYS, ...SECRET],
        ...['--secret-header', 'H', '--secret-payload', 'P'],
      ],
      { cwd: folder, encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const packet = { 'packet-header': read('H'), secret: read('P') };
    expect(await client.ask('sev-inject-launch-secret', packet)).toEqual({});
    client.close();
  });
});

/** A guest that looks good up to its measurement. */
function answers(measurement: string): string {
  const sev =
    '{"return":{"enabled":true,"state":"launch-secret","api-major":1,"api-minor":55,"build-id":25,"policy":1,"handle":1}}';
  return ['{"QMP":{}}', '{"return":{}}', sev, '{"return":{"running":false}}', measurement]
    .join('\r\n')
    .concat('\r\n');
}

describe('what else is measured', () => {
  const line = ['--insecure', '--policy', '5', '--num-cpus', '2', '--cpu-family', '23', '--cpu-model', '1'];
  const es = [...line, '--cpu-stepping', '2'];

  it('vCPUs of SEV-ES, a kernel and its command line; and what differs is named', async () => {
    typeIn(folder, 'owner', 'session', 'chain', '--policy', '5', '--seed', 'es', '--name', 'es');
    writeFileSync(join(folder, 'kernel'), 'not a kernel');
    const boot = ['--kernel', 'kernel', '--append', 'ro quiet', '--kernel-hashes'];
    const session = ['--dh-cert-file', 'es_godh.b64', '--session-file', 'es_session.b64', '--policy', '5'];
    await vmm(...session, ...boot, '--', '-smp', '2', '-cpu', 'EPYC-v4');
    const keys = ['--tik', 'es_tik.bin', '--tek', 'es_tek.bin'];
    const measure = (...more: string[]) => owner('measure', ...ONLINE, ...keys, ...es, ...more);
    const kernel = ['--kernel', 'kernel', '--cmdline', 'ro quiet'];
    expect(await measure(...kernel)).toMatchObject({ status: 0, stderr: '' });
    const wrong: readonly (readonly [string, ...string[]])[] = [
      ['the number of vCPUs were 2 instead of 3', ...kernel, '--num-cpus', '3'],
      ['the VMSAs had the form legacy instead of init2', ...kernel, '--vmsa-form', 'init2'],
      ['the CPU model were EPYC (Naples)', ...kernel, '--cpu-model', '49', '--cpu-stepping', '0'],
      ['the command line had no white space at its end', '--kernel', 'kernel', '--cmdline', 'ro quiet\n'],
    ];
    for (const [ifOnly, ...more] of wrong)
      expect(await measure(...more)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(`if ${ifOnly}`),
      });
  });
});

describe('a packet that LAUNCH_SECRET refuses', () => {
  const tek = () => readFileSync(join(folder, 'vm_tek.bin'));
  const tik = () => readFileSync(join(folder, 'vm_tik.bin'));
  const iv = new Uint8Array(16);

  /** What the VMM says on standard error of a packet that is sealed so. */
  async function said(
    session: readonly string[],
    keys: (measure: Uint8Array) => PacketKeys,
  ): Promise<string> {
    const vm = await vmm(...session);
    const client = await QmpClient.negotiated(socket);
    const { data } = (await client.ask('query-sev-launch-measure')) as { data: string };
    const sealed = sealPacket({ ...keys(fromBase64(data)), iv, plaintext: new Uint8Array(32) });
    const packet = {
      'packet-header': toBase64(PacketHeader.encode(sealed.header)),
      secret: toBase64(sealed.data),
    };
    expect(await client.ask('sev-inject-launch-secret', packet)).toMatchObject({
      desc: "SEV: failed to inject secret ret=-5 fw_error=11 'Bad measurement'",
    });
    client.close();
    return allThatItSaid(vm);
  }

  it.each<[string, string[], (measurement: Uint8Array) => PacketKeys]>([
    ['would fit without the measurement', SESSION, () => ({ tek: tek(), tik: tik(), measure: undefined })],
    [
      'would fit if TIK and TEK were exchanged',
      SESSION,
      (m) => ({ tek: tik(), tik: tek(), measure: m.slice(0, 32) }),
    ],
    ['would fit with MNONCE behind MEASURE', SESSION, (m) => ({ tek: tek(), tik: tik(), measure: m })],
    ['would fit with keys of zeros', SESSION, (m) => ({ tek: iv, tik: iv, measure: m.slice(0, 32) })],
    ['launched without a session', [], (m) => ({ tek: tek(), tik: tik(), measure: m.slice(0, 32) })],
  ])('%s: is explained', async (why, session, keys) => {
    const text = await said(session, keys);
    expect(text).toMatch(/LAUNCH_SECRET: BAD_MEASUREMENT: a MAC does not fit/);
    expect(text).toContain(why);
    for (const key of [tik(), tek()]) expect(text).not.toContain(toHex(key));
  });

  it('with keys that nobody knows is not explained', async () => {
    const text = await said(SESSION, (m) => ({ tek: tek(), tik: iv.map(() => 7), measure: m.slice(0, 32) }));
    expect(text).toContain('BAD_MEASUREMENT');
    expect(text).not.toContain('would fit');
  });
});

describe('lengths that are wrong', () => {
  const inject = async (header: string, secret: string): Promise<string> => {
    const vm = await vmm(...SESSION);
    const client = await QmpClient.negotiated(socket);
    expect(await client.ask('sev-inject-launch-secret', { 'packet-header': header, secret })).toMatchObject({
      desc: "SEV: failed to inject secret ret=-5 fw_error=4 'Buffer too small'",
    });
    client.close();
    return allThatItSaid(vm);
  };
  const zeros = (length: number): string => toBase64(new Uint8Array(length));

  it.each([
    [
      'the header has 51 bytes instead of 52, as if its base64 had lost the padding',
      zeros(52).replace(/=+$/, ''),
      zeros(32),
    ],
    ['the header has 40 bytes instead of 52\n', zeros(40), zeros(32)],
    ['the data has 31 bytes, no multiple of 16; sev-tool 1.7 does not pad', zeros(52), zeros(31)],
    [
      'the data has 30 bytes, no multiple of 16, as if its base64 had lost',
      zeros(52),
      zeros(32).replace(/=+$/, ''),
    ],
  ])('%s', async (why, header, secret) => {
    expect(await inject(header, secret)).toContain(`LAUNCH_SECRET: ${why}`);
  });

  it.each([
    ['the session has 126 bytes instead of 128, as if its base64', (text: string) => text.replace(/=+$/, '')],
    ['its file is raw, as sev-tool writes it, and QEMU takes base64', (text: string) => fromBase64(text)],
  ])('of a session: %s', async (why, change) => {
    writeFileSync(join(folder, 'changed'), change(read('vm_session.b64')));
    const { stderr, exited } = await vmm('--dh-cert-file', 'vm_godh.b64', '--session-file', 'changed');
    expect(await exited).toBe(1);
    expect(stderr()).toContain(why);
  });
});

describe('a session that another tool made', () => {
  /** As the tool would have made it for this platform. */
  function sessionOf(policyInMac: number): { tik: string; line: string[] } {
    const pdh = decodePoint(
      SevCertificate.decode(readFileSync(join(folder, 'chain')).subarray(0, 2084)).pubkey,
    )!;
    const { godh, session, tik } = makeSession(pdh, policyInMac, seededEntropy('tool', 'guest-owner'));
    writeFileSync(join(folder, 'tool_godh.b64'), toBase64(godh));
    writeFileSync(join(folder, 'tool_session.b64'), toBase64(session));
    writeFileSync(join(folder, 'tool_tik.bin'), tik);
    return {
      tik: toHex(tik),
      line: ['--dh-cert-file', 'tool_godh.b64', '--session-file', 'tool_session.b64'],
    };
  }

  it.each([
    ['sevctl 0.6.2', 0x17_0001, 0x701_0001],
    ['sev-tool 1.7', 0x17_0001, 0x01],
  ])('%s: garbled, and that is said where LAUNCH_START refuses it', async (tool, meant, authenticated) => {
    const { tik, line } = sessionOf(authenticated);
    const { stderr, exited } = await vmm(...line, '--policy', `${meant}`);
    expect(await exited).toBe(1);
    expect(stderr()).toContain("LAUNCH_START ret=1 fw_error=11 'Bad measurement'");
    expect(stderr()).toContain(
      `POLICY_MAC is that of policy 0x${authenticated.toString(16)} instead of 0x170001: `,
    );
    expect(stderr()).toContain(`as ${tool} does; try sevlab owner session`);
    expect(stderr()).not.toContain(tik);
    const checked = await owner(
      'check-session',
      'tool_session.b64',
      '--tik',
      'tool_tik.bin',
      '--policy',
      `${meant}`,
    );
    expect(checked).toMatchObject({ status: 1, stderr: expect.stringContaining(`as ${tool} does`) });
  });

  it('for another platform, and for another policy', async () => {
    typeIn(folder, 'platform', 'export', '--seed', 'elsewhere', '--out', 'elsewhere');
    typeIn(folder, 'owner', 'session', 'elsewhere', '--policy', '1', '--seed', 'x', '--name', 'far');
    const far = await vmm('--dh-cert-file', 'far_godh.b64', '--session-file', 'far_session.b64');
    expect(await far.exited).toBe(1);
    expect(far.stderr()).toContain('WRAP_MAC does not fit: the session was made for another PDH');
    const other = await vmm(...SESSION, '--policy', '3');
    expect(await other.exited).toBe(1);
    expect(other.stderr()).toContain(
      'POLICY_MAC is that of policy 0x1 instead of 0x3: the session was made for another policy',
    );
    expect(existsSync(socket)).toBe(false);
  });

  const known = [
    ...sevctl.cases.map((c) => ({
      by: 'sevctl 0.6.2',
      policy: Number(c.policy_argument),
      inMac: Number(c.policy_in_mac[0]),
      session: c['session.b64'],
      godh: c['godh.b64'],
      tik: c['tik.bin'],
      remark: 'the certificate has no signature, as sevctl makes it',
    })),
    ...sevTool.cases.map((c) => ({
      by: 'sev-tool 1.7',
      policy: c.policy_meant,
      inMac: c.policy_in_the_mac,
      session: c['launch_blob.bin'],
      godh: c['godh.cert'],
      tik: c['tmp_tk.bin'].slice(32),
      remark: 'signed by its own key in the name of a PEK, as sev-tool makes it',
    })),
  ];

  it.each(known)('$by, policy $policy: check-session tells what it authenticates', async (c) => {
    const line = ['check-session', `base64:${c.session}`, '--tik', `hex:${c.tik}`, '--policy', `${c.policy}`];
    const { status, stdout, stderr } = await owner(...line, '--godh', `base64:${c.godh}`);
    expect(stderr).toContain(c.remark);
    expect(status).toBe(c.inMac === c.policy ? 0 : 1);
    if (status === 0) expect(stdout).toMatch(`the session authenticates policy 0x${c.policy.toString(16)}, `);
    else expect(stderr).toMatch(`POLICY_MAC is that of policy 0x${c.inMac.toString(16)} instead of`);
    expect(stdout + stderr).not.toContain(c.tik);
    const session = LaunchSession.decode(Buffer.from(c.session, 'base64'));
    expect(session.policyMac).toEqual(policyMac(Buffer.from(c.tik, 'hex'), c.inMac));
  });

  it('with a TIK that is not its own', async () => {
    const line = ['check-session', 'vm_session.b64', '--tik', 'other_tik.bin', '--policy', '1'];
    expect(await owner(...line)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('look at the TIK'),
    });
  });
});
