import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBase64, toBase64, utf8 } from '@sevlab/codec/bytes';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SEVLAB } from './test/command-line.ts';
import { QmpClient } from './test/qmp-client.ts';
import { sealSecret } from './test/seal-secret.ts';
import { killStarted, type StartedVmm, startVmm } from './test/started-vmm.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-vmm-'));
const socket = join(folder, 'qmp');
const inFolder = (name: string): string => join(folder, name);

beforeAll(() => {
  const run = (...args: string[]) => spawnSync(SEVLAB, args, { cwd: folder });
  expect(run('platform', 'export', '--seed', 'host', '--out', 'chain').status).toBe(0);
  expect(run('owner', 'session', 'chain', '--seed', 'owner').status).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(() => {
  killStarted();
  rmSync(socket, { force: true });
});

const SESSION = ['--dh-cert-file', inFolder('vm_godh.b64'), '--session-file', inFolder('vm_session.b64')];

/** A VMM of that platform. */
const vmm = (...args: string[]): Promise<StartedVmm> => startVmm(folder, '--seed', 'host', ...args);

const secret = utf8('the tenant’s secret');
const seal = (measurement: Uint8Array, tik = readFileSync(inFolder('vm_tik.bin'))) =>
  sealSecret({ secret, measurement, tik, tek: readFileSync(inFolder('vm_tek.bin')) });

async function measured(client: QmpClient): Promise<Uint8Array> {
  const { data } = (await client.ask('query-sev-launch-measure')) as { data: string };
  return fromBase64(data);
}

describe('a launch through QMP', () => {
  it('attests, is given a secret, runs, and quits', async () => {
    const { exited, stderr } = await vmm('--qmp', socket, ...SESSION);
    const client = await QmpClient.negotiated(socket);
    expect(await client.ask('query-sev')).toMatchObject({ enabled: true, state: 'launch-secret', policy: 1 });
    expect(await client.ask('sev-inject-launch-secret', seal(await measured(client)))).toEqual({});
    expect(await client.ask('cont')).toEqual({});
    expect(client.events.map(({ event }) => event)).toEqual(['RESUME']);
    expect(await client.ask('query-sev')).toMatchObject({ state: 'running' });
    const report = (await client.ask('query-sev-attestation-report', {
      mnonce: toBase64(new Uint8Array(16)),
    })) as { data: string };
    expect(fromBase64(report.data)).toHaveLength(208);
    expect(await client.ask('quit')).toEqual({});
    expect(await exited).toBe(0);
    expect(existsSync(socket)).toBe(false);
    expect(stderr()).not.toMatch(/does not start|tenant/);
  });

  it('refuses as hardware does, and explains on standard error', async () => {
    const { stderr } = await vmm('--qmp', socket, ...SESSION);
    const client = await QmpClient.negotiated(socket);
    const packet = seal(await measured(client));
    const desc = (text: string) => ({ class: 'GenericError', desc: text });
    const wrongKey = seal(await measured(client), randomBytes(16));
    expect(await client.ask('sev-inject-launch-secret', wrongKey)).toEqual(
      desc("SEV: failed to inject secret ret=-5 fw_error=11 'Bad measurement'"),
    );
    const altered = fromBase64(packet.secret);
    altered[0]! ^= 1;
    expect(await client.ask('sev-inject-launch-secret', { ...packet, secret: toBase64(altered) })).toEqual(
      desc("SEV: failed to inject secret ret=-5 fw_error=11 'Bad measurement'"),
    );
    const long = toBase64(new Uint8Array(16_400));
    expect(await client.ask('sev-inject-launch-secret', { ...packet, secret: long })).toEqual(
      desc("SEV: failed to inject secret ret=-22 fw_error=0 ''"),
    );
    await client.ask('cont');
    expect(await client.ask('sev-inject-launch-secret', packet)).toEqual(
      desc('SEV: Not in correct state. (LSECRET) 3'),
    );
    expect(stderr()).toMatch(/BAD_MEASUREMENT: a MAC does not fit/);
    expect(stderr()).toMatch(/longer than 16384 bytes/);
  });

  it('shows the host ciphertext where the secret is', async () => {
    await vmm('--qmp', socket, ...SESSION);
    const client = await QmpClient.negotiated(socket);
    await client.ask('sev-inject-launch-secret', seal(await measured(client)));
    await client.ask('pmemsave', { val: 0x81_0000, size: 4096, filename: inFolder('dump') });
    const dump = readFileSync(inFolder('dump'));
    expect(dump).toHaveLength(4096);
    expect(dump.includes('tenant')).toBe(false);
    expect(dump.includes(Buffer.from('42f5741e', 'hex'))).toBe(false);
    expect(dump.some((byte) => byte !== 0)).toBe(true);
  });

  it("takes QEMU's own arguments, SEV-ES and TCP", async () => {
    const object = 'sev-guest,id=s,cbitpos=51,reduced-phys-bits=6,policy=5';
    const { stderr } = await vmm(
      '--',
      '-nodefaults',
      '-display',
      'none',
      '-machine',
      'q35,confidential-guest-support=s',
      '-object',
      object,
      '-smp',
      '2',
      '-cpu',
      'EPYC-v4',
      '-m',
      '256',
      '-S',
      '-qmp',
      `unix:${socket},server=on,wait=off`,
    );
    const client = await QmpClient.negotiated(socket);
    expect(await client.ask('query-sev'), stderr()).toMatchObject({ state: 'launch-secret', policy: 5 });
    expect(await client.ask('query-cpus-fast')).toHaveLength(2);
    await client.ask('system_reset');
    expect(client.events.at(-1)).toMatchObject({
      event: 'SHUTDOWN',
      data: { reason: 'host-qmp-system-reset' },
    });
  });
});

describe('more than one monitor', () => {
  it('tells every client of what one did, in front of the next answer', async () => {
    await vmm('--qmp', socket, '--qmp', inFolder('second'));
    const [first, second] = [
      await QmpClient.negotiated(socket),
      await QmpClient.negotiated(inFolder('second')),
    ];
    await first.ask('cont');
    await first.ask('stop');
    await second.ask('system_reset');
    await second.ask('query-status');
    await first.ask('query-status');
    const names = ({ events }: QmpClient): unknown[] => events.map(({ event }) => event);
    expect(names(second)).toEqual(['RESUME', 'STOP', 'RESET']);
    expect(second.events).toEqual(first.events); // their times too
  });

  it('speaks as QEMU 10.0 where that differs', async () => {
    await vmm('--qmp', socket, '--qemu', '10.0');
    const client = await QmpClient.negotiated(socket);
    expect(await client.ask('query-version')).toMatchObject({ qemu: { major: 10, minor: 0 } });
    expect(await client.ask('query-status')).toEqual({ status: 'prelaunch', running: false });
    expect(Object.keys((await client.ask('query-sev')) as object)).toEqual([
      ...['enabled', 'api-minor', 'handle', 'state', 'api-major', 'sev-type', 'build-id', 'policy'],
    ]);
  });

  it('is on TCP, at a port of the system’s choice', async () => {
    const { stderr } = await vmm('--qmp', 'tcp:127.0.0.1:0');
    const port = Number(/QMP on 127\.0\.0\.1:(\d+)/.exec(stderr())?.[1]);
    const greeting = await new Promise<string>((resolve) => {
      const client = connect(port, '127.0.0.1');
      client.once('data', (bytes) => {
        client.destroy();
        resolve(bytes.toString());
      });
    });
    expect(greeting).toMatch(/^{"QMP": /);
  });

  it('is on standard input and output, too', async () => {
    const commands = ['qmp_capabilities', 'query-status', 'quit'].map((execute) =>
      JSON.stringify({ execute }),
    );
    const line = ['vmm', '--seed', 'host', '--', '-S', '-machine', 'none', '-qmp', 'stdio'];
    const { status, stdout } = spawnSync(SEVLAB, line, { input: commands.join(''), encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout.split('\r\n').map((each) => each.slice(0, 10))).toEqual([
      ...['{"QMP": {"', '{"return":', '{"return":', '{"timestam', '{"return":', ''],
    ]);
  });
});

describe('a host that makes trouble', () => {
  it('survives garbage, half-closed sockets, and clients that leave in the middle', async () => {
    const { exited } = await vmm('--qmp', socket);
    for (const bytes of [
      randomBytes(4096),
      Buffer.from('{"execute": "query-st'),
      Buffer.from('[[[[{{{{'),
      Buffer.alloc(1 << 20, 0x22),
    ]) {
      const client = await QmpClient.open(socket);
      client.write(bytes);
      client.close();
    }
    const half = connect({ path: socket, allowHalfOpen: true });
    half.end('{"execute":"qmp_capabilities"}{"execute":"query-status","id":7}');
    const heard = await new Promise<string>((resolve) => {
      let text = '';
      half.on('data', (bytes) => {
        text += bytes;
      });
      half.on('close', () => resolve(text));
    });
    expect(heard).toContain('"id": 7');
    const last = await QmpClient.negotiated(socket);
    expect(await last.ask('query-status')).toMatchObject({ status: 'prelaunch' });
    await last.ask('quit');
    expect(await exited).toBe(0);
  });

  it('answers a token of 64 MiB with an error, and goes on', async () => {
    await vmm('--qmp', socket);
    const client = await QmpClient.negotiated(socket);
    client.write(Buffer.concat([Buffer.from('"'), Buffer.alloc(65 << 20, 0x61), Buffer.from('"\n')]));
    expect(await client.next()).toMatchObject({ error: { desc: 'JSON token size limit exceeded' } });
  });

  it('ends although a client never reads', async () => {
    const { child, exited } = await vmm('--qmp', socket);
    const deaf = connect(socket);
    await new Promise((resolve) => deaf.once('connect', resolve));
    deaf.on('error', () => deaf.destroy()).pause(); // it is left alone in the end
    for (let i = 0; i < 20_000; i++) deaf.write('{"execute":"qmp_capabilities"}');
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    expect(await exited).toBe(143);
    expect(existsSync(socket)).toBe(false);
    deaf.destroy();
  });

  it('serves fifty clients one after another, in the order in which they came', async () => {
    await vmm('--qmp', socket);
    const order: number[] = [];
    const clients = Array.from({ length: 50 }, async (_, i) => {
      const client = await QmpClient.negotiated(socket);
      order.push(i);
      expect(await client.ask('query-status')).toMatchObject({ running: false });
      client.close();
    });
    await Promise.all(clients);
    expect(order).toHaveLength(50);
  });

  it('quits with commands behind it, which nobody answers', async () => {
    const { exited } = await vmm('--qmp', socket);
    const client = await QmpClient.negotiated(socket);
    client.write('{"execute":"quit"}{"execute":"query-status"}{"execute":"query-status"}');
    const heard = [];
    for (let message = await client.next(); message !== undefined; message = await client.next())
      heard.push(message);
    expect(heard.map((message) => message.event ?? 'return')).toEqual(['SHUTDOWN', 'return']);
    expect(await exited).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  it('takes the place of a socket that nobody serves, and not of one that somebody does', async () => {
    const stale = createServer();
    await new Promise<void>((resolve) => stale.listen(socket, resolve));
    const second = await vmm('--qmp', socket);
    expect([await second.exited, second.stderr()]).toEqual([
      5,
      expect.stringContaining('somebody listens there already'),
    ]);
    spawnSync('node', [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(inFolder('left'))}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(existsSync(inFolder('left'))).toBe(true);
    await vmm('--qmp', inFolder('left'));
    const client = await QmpClient.negotiated(inFolder('left'));
    expect(await client.ask('query-status')).toMatchObject({ status: 'prelaunch' });
    expect(existsSync(socket)).toBe(true);
    stale.close();
  });

  it.each([
    [['--qmp', '/nonexistent/qmp'], 2, /expected a place where a socket can be made/],
    [[], 2, /nobody could reach it/],
    [['--qmp', 'q', '--firmware', '/nonexistent'], 2, /Could not open '\/nonexistent'/],
    [['--qmp', 'q', '--session-file', '/nonexistent'], 1, /SEV: Failed to read '\/nonexistent'/],
    [['--qmp', 'q', '--policy', 'x'], 2, /Parameter 'policy' expects a uint64 value/],
    [['--qmp', 'q', '--', '-machine', 'isapc'], 2, /unsupported machine type/],
    [['--qmp', 'q', '--', '-nonsense'], 2, /-nonsense: invalid option/],
    [['--qmp', 'q', '--linux', '2.4'], 2, /no kernel '2.4'/],
    [
      ['--qmp', 'q', '--', '-smp', '300'],
      2,
      /Invalid SMP CPUs 300. The max CPUs supported by machine 'pc-q35-7.2' is 288/,
    ],
    [['--qmp', 'q', '--', '-smp', '2,foo=1'], 2, /Parameter 'smp.foo' is unexpected/],
    [
      ['--qmp', 'q', '--', '-m', '1x'],
      2,
      /-m 1x: Parameter 'size' expects a non-negative number below 2\^64/,
    ],
    [['--qmp', 'q', '--append', 'quiet'], 2, /-append only allowed with -kernel option/],
    [
      ['--qmp', 'q', '--', '-object', 'sev-guest,id=s,reduced-phys-bits=1,foo=1'],
      2,
      /Invalid parameter 'foo'/,
    ],
  ])('%j: exit code %i, and a message', async (args, code, message) => {
    const { exited, stderr } = await vmm(...args);
    expect(await exited).toBe(code);
    expect(stderr()).toMatch(message);
    expect(stderr()).not.toMatch(/ at .*\.(ts|cjs):/);
    expect(existsSync(inFolder('q'))).toBe(false);
  });

  it.each(['16M', '100G', '65537K'])('launches a guest with %s, which no firmware takes', async (size) => {
    const { stderr } = await vmm('--qmp', socket, '--memory', size);
    const client = await QmpClient.negotiated(socket);
    expect(await client.ask('cont')).toEqual({});
    expect(await client.ask('query-status')).toMatchObject({ running: true });
    await expect.poll(stderr).toMatch(/the guest does not start: memory size: expected a multiple of 4096/);
  });

  it('ends on SIGTERM, and removes its socket and the file with its number', async () => {
    const pidFile = inFolder('pid');
    const { child, exited } = await vmm('--qmp', socket, '--', '-pidfile', pidFile);
    expect(readFileSync(pidFile, 'latin1')).toMatch(/^\d+\n$/);
    child.kill('SIGTERM');
    expect(await exited).toBe(143);
    expect([existsSync(socket), existsSync(pidFile)]).toEqual([false, false]);
  });

  it('explains a session that was made for another policy', async () => {
    const { exited, stderr } = await vmm('--qmp', socket, '--policy', '3', ...SESSION);
    expect(await exited).toBe(1);
    expect(stderr()).toMatch(/LAUNCH_START: BAD_MEASUREMENT/);
    expect(stderr()).toMatch(/fw_error=11 'Bad measurement'/);
  });
});

it('says that a folder cannot be written to', async ({ skip }) => {
  skip(process.getuid?.() === 0, 'NOT RUN: root may write anywhere');
  chmodSync(folder, 0o500);
  const { exited } = await vmm('--qmp', inFolder('x'));
  chmodSync(folder, 0o700);
  expect(await exited).toBe(2);
});
