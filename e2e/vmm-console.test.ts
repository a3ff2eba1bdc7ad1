import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBase64, utf8 } from '@sevlab/codec/bytes';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SEVLAB } from './test/command-line.ts';
import { ConsoleClient } from './test/console-client.ts';
import { optionalProgram } from './test/optional-program.ts';
import { QmpClient } from './test/qmp-client.ts';
import { SEALED_GUID, sealSecret } from './test/seal-secret.ts';
import { killStarted, type StartedVmm, startVmm, startVmmWith } from './test/started-vmm.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-console-'));
const inFolder = (name: string): string => join(folder, name);
const [qmp, tty] = [inFolder('qmp'), inFolder('console')];
const SECRET = 'the tenant’s secret';
const COCO = '/sys/kernel/security/secrets/coco';

beforeAll(() => {
  const run = (...args: string[]) => spawnSync(SEVLAB, args, { cwd: folder });
  expect(run('platform', 'export', '--seed', 'host', '--out', 'chain').status).toBe(0);
  expect(run('owner', 'session', 'chain', '--seed', 'owner').status).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  killStarted();
  for (const path of [qmp, tty]) rmSync(path, { force: true });
});

const vmm = (...args: string[]): Promise<StartedVmm> =>
  startVmm(folder, '--seed', 'host', '--qmp', qmp, '--console', tty, ...args);

/** What QEMU's own arguments say of such a machine, but for its serial port. */
const QEMU_WORDS = [
  ...['-nodefaults', '-display', 'none', '-S', '-m', '256'],
  ...['-machine', 'q35,confidential-guest-support=s'],
  ...['-object', 'sev-guest,id=s,cbitpos=51,reduced-phys-bits=6'],
  ...['-qmp', `unix:${qmp},server=on,wait=off`],
];

/** A moment in which a guest would have answered. */
const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

describe('the console', () => {
  it('leads from the tenant’s packet to the file, which rm wipes', async () => {
    const session = ['--dh-cert-file', inFolder('vm_godh.b64'), '--session-file', inFolder('vm_session.b64')];
    const { exited, stderr } = await vmm(...session);
    const client = await QmpClient.negotiated(qmp);
    const { data } = (await client.ask('query-sev-launch-measure')) as { data: string };
    const [tik, tek] = ['tik', 'tek'].map((key) => readFileSync(inFolder(`vm_${key}.bin`)));
    const packet = sealSecret({
      ...{ secret: utf8(SECRET), measurement: fromBase64(data) },
      ...{ tik: tik!, tek: tek! },
    });
    expect(await client.ask('sev-inject-launch-secret', packet)).toEqual({});

    const terminal = await ConsoleClient.open(tty);
    await moment();
    expect(terminal.screen).toBe('');
    await client.ask('cont');
    const booted = await terminal.shows('guest login: ');
    expect(booted).toMatch(/^\[ {4}0\.0000\d\d\] BIOS-provided physical RAM map:\r\n/);
    expect(booted).toMatch(/\] efi_secret efi_secret\.0: Created 1 entries in securityfs secrets\/coco\r\n/);
    terminal.write('root\r');
    await terminal.shows('root\r\n# ');
    await terminal.type(`cd ${COCO}`);
    expect(await terminal.type(`cat ${SEALED_GUID}; echo`)).toBe(`${SECRET}\r\n# `);
    await client.ask('pmemsave', { val: 0x81_0000, size: 4096, filename: inFolder('dump') });
    const before = readFileSync(inFolder('dump'));
    await terminal.type('rmmod efi_secret');
    expect(await terminal.type('modprobe efi_secret')).toMatch(
      /^\[ {2,4}\d+\.\d{6}\] efi_secret efi_secret\.0: Created 1 entries in securityfs secrets\/coco\r\n# $/,
    );
    await terminal.type(`cd ${COCO}`); // which is another now
    expect(await terminal.type(`rm ${SEALED_GUID}`)).toBe('# ');
    expect(await terminal.type('ls')).toBe('# ');
    await client.ask('pmemsave', { val: 0x81_0000, size: 4096, filename: inFolder('dump') });
    expect(readFileSync(inFolder('dump')).equals(before)).toBe(false);

    await client.ask('quit');
    await terminal.whenClosed();
    expect(await exited).toBe(0);
    expect([existsSync(qmp), existsSync(tty)]).toEqual([false, false]);
    expect(stderr()).not.toMatch(/tenant/);
  });

  it('asks again after exit and ^D, and lets in who has an account', async () => {
    await vmm();
    const client = await QmpClient.negotiated(qmp);
    const terminal = await ConsoleClient.open(tty);
    await client.ask('cont');
    await terminal.logIn('root');
    terminal.write('exit\r');
    await terminal.logIn('user', '$ ');
    expect(await terminal.type('id -un', '\r\n$ ')).toMatch(/^user\r\n/);
    terminal.write('\x04');
    await terminal.shows('guest login: ');
    terminal.write('nobody-at-all\r');
    await terminal.shows('Login incorrect');
    await terminal.shows('guest login: ');
    terminal.write('\x03\x04roo\x7f\x7f\x7f\x7faudi');
    await terminal.shows('audi');
    terminal.write('tor\r');
    await terminal.shows('$ ');
    expect(await terminal.type('id -u', '\r\n$ ')).toMatch(/^1001\r\n/);
  });

  it('stands still after stop, goes on after cont, and begins again after system_reset', async () => {
    await vmm();
    const client = await QmpClient.negotiated(qmp);
    const terminal = await ConsoleClient.open(tty);
    await client.ask('cont');
    await terminal.logIn('root');
    await terminal.type('cd /tmp');
    await client.ask('stop');
    terminal.write('pwd\r');
    await moment();
    expect(terminal.screen).toBe('');
    await client.ask('cont');
    await terminal.shows('pwd\r\n/tmp\r\n# ');
    await client.ask('system_reset');
    await terminal.shows('] BIOS-provided physical RAM map:');
    await terminal.logIn('root');
    expect(await terminal.type('pwd')).toBe('/root\r\n# ');
    await client.ask('stop');
    await client.ask('system_reset');
    await moment();
    expect(terminal.screen).toBe('');
    await client.ask('cont');
    await terminal.shows('guest login: ');
  });

  it('keeps for the next one what nobody saw, and what was typed for a guest that waits', async () => {
    await vmm();
    const client = await QmpClient.negotiated(qmp);
    const first = await ConsoleClient.open(tty);
    first.write('root\recho typed $((0)) early\r');
    await moment();
    first.close();
    await client.ask('cont');
    const second = await ConsoleClient.open(tty);
    await second.shows('] BIOS-provided physical RAM map:');
    await second.shows('guest login: root\r\n# ');
    second.close();
    await moment();
    const third = await ConsoleClient.open(tty);
    third.write('id -u\r');
    await third.shows('0\r\n# ');
  });

  it('serves one after another, in the order in which they came', async () => {
    await vmm();
    const client = await QmpClient.negotiated(qmp);
    await client.ask('cont');
    const first = await ConsoleClient.open(tty);
    await first.logIn('root');
    const second = await ConsoleClient.open(tty);
    second.write('pwd\r');
    await moment();
    expect(second.screen).toBe('');
    first.close();
    await second.shows('pwd\r\n/root\r\n# ');
  });
});

describe('other places for the console', () => {
  it.each([
    ['-serial unix', ['-serial', `unix:${tty},server=on,wait=off`]],
    [
      '-serial chardev',
      ['-chardev', `socket,id=con,path=${tty},server=on,wait=off`, '-serial', 'chardev:con'],
    ],
  ])('%s', async (_, words) => {
    await startVmm(folder, '--seed', 'host', '--', ...QEMU_WORDS, ...words);
    const client = await QmpClient.negotiated(qmp);
    const label = words.length === 2 ? 'serial0' : 'con';
    const chardevs = (await client.ask('query-chardev')) as { label: string }[];
    expect(chardevs.map((each) => each.label).sort()).toEqual(['compat_monitor0', label].sort());
    const terminal = await ConsoleClient.open(tty);
    await client.ask('cont');
    await terminal.logIn('root');
  });

  it('-serial file', async () => {
    await startVmm(folder, '--seed', 'host', '--', ...QEMU_WORDS, '-serial', `file:${inFolder('log')}`);
    const client = await QmpClient.negotiated(qmp);
    await client.ask('cont');
    await client.ask('quit');
    await client.next();
    await expect.poll(() => readFileSync(inFolder('log'), 'latin1')).toContain('guest login: ');
  });

  it('an adopted descriptor, on which somebody listens already', async () => {
    const words = ['-chardev', 'socket,id=con,fd=3,server=on,wait=off', '-serial', 'chardev:con'];
    const args = ['vmm', '--seed', 'host', '--', ...QEMU_WORDS, ...words];
    const parent = `require('net').createServer().listen(${JSON.stringify(tty)}, function () {
      const stdio = ['ignore', 'ignore', 'inherit', this._handle.fd];
      require('child_process').spawnSync(${JSON.stringify(SEVLAB)}, ${JSON.stringify(args)}, { stdio });
    })`; // which accepts nobody itself, since it waits
    const listener = spawn(process.execPath, ['-e', parent], { cwd: folder, stdio: 'ignore' });
    await expect.poll(() => existsSync(qmp), { timeout: 5000 }).toBe(true);
    const client = await QmpClient.negotiated(qmp);
    await client.ask('cont');
    const terminal = await ConsoleClient.open(tty);
    await terminal.logIn('root');
    await client.ask('quit');
    listener.kill();
  });

  it.each([
    ['--console stdio', ['--qmp', qmp, '--console', 'stdio']],
    ['-nographic', ['--', ...QEMU_WORDS.slice(1), '-nographic']],
    ['-serial mon:stdio', ['--', ...QEMU_WORDS, '-serial', 'mon:stdio']],
  ])('%s, where nobody sits', async (_, words) => {
    const { child, exited } = await startVmmWith(
      folder,
      ['pipe', 'pipe', 'pipe'],
      ['--seed', 'host', ...words],
    );
    let shown = '';
    child.stdout!.on('data', (bytes) => {
      shown += bytes;
    });
    child.stdin!.end('root\nid -un\n\x01exit\n');
    const client = await QmpClient.negotiated(qmp);
    await client.ask('cont');
    await expect.poll(() => shown).toMatch(/# id -un\r\nroot\r\n# exit\r\nexit\r\n[\s\S]*login: $/);
    await client.ask('quit');
    expect(await exited).toBe(0);
  });

  it.each([
    [['--qmp', 'q', '--console', 'stdio', '--', '-qmp', 'stdio'], /cannot use stdio by multiple/],
    [
      ['--qmp', 'q', '--', '-serial', 'pty'],
      /pty: expected unix:PATH, tcp:HOST:PORT, stdio, file:PATH or null/,
    ],
    [
      ['--qmp', 'q', '--', '-serial', 'chardev:none'],
      /could not connect serial device to character backend 'chardev:none'/,
    ],
    [['--qmp', 'q', '--', '-serial', 'unix:x'], /expected ,server=on behind it/],
    [['--qmp', 'q', '--console', '/nonexistent/c'], /expected a place where a socket can be made/],
  ])('%j is refused', async (args, message) => {
    const { exited, stderr } = await startVmm(folder, '--seed', 'host', ...args);
    expect([await exited, stderr()]).toEqual([2, expect.stringMatching(message)]);
    expect(stderr()).not.toMatch(/ at .*\.(ts|cjs):/);
    expect(existsSync(inFolder('q'))).toBe(false);
  });
});

describe('somebody at the console who makes trouble', () => {
  it('types garbage, and a mebibyte without an end', async () => {
    await vmm();
    const client = await QmpClient.negotiated(qmp);
    await client.ask('cont');
    const garbage = await ConsoleClient.open(tty);
    garbage.write(randomBytes(1 << 16));
    await moment();
    garbage.close();
    const long = await ConsoleClient.open(tty);
    long.write(new Uint8Array(1 << 20).fill(0x61));
    await long.shows('aaaa');
    long.close();
    expect(await client.ask('query-status')).toMatchObject({ status: 'running' });
    await client.ask('system_reset');
    const next = await ConsoleClient.open(tty);
    next.write('\x03');
    await next.shows('guest login: ');
  });

  it('types a mebibyte before the guest runs: what has no room is lost', async () => {
    await vmm();
    const client = await QmpClient.negotiated(qmp);
    const terminal = await ConsoleClient.open(tty);
    terminal.write(`${'root\rtrue\rexit\r'.repeat(1 << 16)}`);
    await moment();
    await client.ask('cont');
    await terminal.shows('root\r\n# true\r\n# exit\r\nexit\r\n');
    expect(await client.ask('query-status')).toMatchObject({ status: 'running' });
  });

  it('never reads: the guest waits for it, and nobody else does', async () => {
    const { child, exited } = await vmm();
    const client = await QmpClient.negotiated(qmp);
    await client.ask('cont');
    const deaf = await ConsoleClient.open(tty);
    await deaf.logIn('root');
    deaf.pause();
    deaf.write('yes | head -c 900000\r'.repeat(400));
    await moment();
    const memory = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1]) / 1024;
    const before = memory();
    for (let i = 0; i < 20; i++) await client.ask('system_reset');
    expect(memory() - before).toBeLessThan(100);
    expect(memory()).toBeLessThan(500);
    await client.ask('quit');
    expect(await exited).toBe(0);
    expect(existsSync(tty)).toBe(false);
  });

  it('reads late, and loses nothing', async () => {
    await vmm();
    const client = await QmpClient.negotiated(qmp);
    await client.ask('cont');
    const late = await ConsoleClient.open(tty);
    await late.logIn('root');
    late.pause();
    late.write(`${'yes | head -c 200000\r'.repeat(20)}echo the end\r`);
    await moment();
    late.resume();
    const shown = await late.shows('\r\nthe end\r\n');
    expect(shown.match(/^y\r$/gm)).toHaveLength(20 * 100_000);
  });

  it('leaves in the middle of a command', async () => {
    await vmm();
    const client = await QmpClient.negotiated(qmp);
    await client.ask('cont');
    const first = await ConsoleClient.open(tty);
    await first.logIn('root');
    first.write('yes | head -c 900000\recho end of it\r');
    await first.shows('y\r\n');
    first.close();
    const second = await ConsoleClient.open(tty);
    await second.shows('end of it\r\n# ');
  });
});

const scriptIsThere = optionalProgram('script', 'apt-get install bsdutils');

describe.runIf(scriptIsThere)('a terminal as the console', () => {
  /** Somebody who takes his time types these, a moment apart, into a terminal where sevlab runs. */
  const typed = (...keys: string[]): string => {
    const cont = '{"execute":"qmp_capabilities"}{"execute":"cont"}';
    const client = `const s=require("net").connect("q",()=>s.end(process.argv[1]));s.resume()`;
    const hands = [
      'until [ -S q ]; do sleep 0.05; done',
      `${process.execPath} -e '${client}' '${cont}'`,
      ...keys.map((key) => `printf '${key}'; sleep 0.3`),
    ];
    const vmm = `${SEVLAB} vmm --seed host --qmp q --console stdio; echo status=$?; stty -a`;
    const { stdout } = spawnSync('bash', ['-c', `(${hands.join('; ')}) | script -qec '${vmm}' /dev/null`], {
      ...{ cwd: folder, encoding: 'utf8', timeout: 20_000 },
    });
    return stdout;
  };

  it('gives ^C to the guest, ends on ^A x, and is as before', () => {
    const shown = typed('root\\r', 'cat\\r', '\\003', 'echo on\\r', '\\001h', '\\001x');
    expect(shown).toMatch(/# cat\r+\n\^C\r+\n# echo on\r+\non\r+\n/);
    expect(shown).toContain('^A x ends sevlab');
    expect(shown).toContain('status=0');
    expect(shown).toMatch(/isig icanon iexten echo /);
  });
});
