import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeIn } from './test/command-line.ts';
import { QmpClient } from './test/qmp-client.ts';

const folder = mkdtempSync(join(tmpdir(), "sevlab-emulator's "));
const inFolder = (name: string): string => join(folder, name);
const [socket, pidFile] = [inFolder('qmp.monitor'), inFolder('pid')];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const install = (...line: string[]) => typeIn(folder, 'vmm', '--install-emulator', ...line);

/** Whether there is such a process, other than one that nobody has asked for its status. */
function isAtWork(pid: number): boolean {
  const status = `/proc/${pid}/status`;
  return existsSync(status) && !/^State:\tZ/m.test(readFileSync(status, 'latin1'));
}

describe('an installed emulator', () => {
  beforeAll(() => {
    expect(install('emulator', '--store', 'kept', '--linux', '6.12').status).toBe(0);
  });

  it('may be executed, and libvirt is told where it is', () => {
    expect(statSync(inFolder('emulator')).mode & 0o777).toBe(0o755);
    const { stdout } = install('emulator', '--force', '--store', 'kept');
    expect(stdout).toContain(`<emulator>${inFolder('emulator')}</emulator>`);
  });

  it('stays as it is unless --force is given', () => {
    const before = readFileSync(inFolder('emulator'));
    expect(install('emulator')).toMatchObject({
      status: 3,
      stderr: 'sevlab vmm: emulator: expected no such file; try another place, or --force\n',
    });
    expect(readFileSync(inFolder('emulator')).equals(before)).toBe(true);
  });

  it.each([
    [['other', '--policy', '3'], 2, /--policy: whoever calls the emulator says that in QEMU's words/],
    [['missing/emulator'], 2, /missing\/emulator: .*; expected a place that can be written/],
  ])('%j is refused', (line, status, message) => {
    const answer = install(...line);
    expect(answer.status).toBe(status);
    expect(answer.stderr).toMatch(message);
    expect(existsSync(inFolder('other'))).toBe(false);
  });

  it('keeps the platform of the one who installed it where no other is named', () => {
    const { XDG_STATE_HOME: before } = process.env;
    process.env.XDG_STATE_HOME = inFolder('state');
    expect(install('plain').status).toBe(0);
    if (before === undefined) delete process.env.XDG_STATE_HOME;
    else process.env.XDG_STATE_HOME = before;
    expect(readFileSync(inFolder('plain'), 'utf8')).toContain('/state/sevlab/platform');
  });

  /** As libvirt 9.0 asks an emulator what it can do. */
  const PROBE = [
    ...['-S', '-no-user-config', '-nodefaults', '-nographic', '-machine', 'none,accel=kvm:tcg'],
    ...['-qmp', `unix:${socket},server=on,wait=off`, '-pidfile', pidFile, '-daemonize'],
  ];
  const call = (args: readonly string[]) =>
    spawnSync(inFolder('emulator'), args, { cwd: '/', env: {}, encoding: 'utf8', timeout: 20_000 });

  it('answers in the background once the one who called it is told', async () => {
    const { status, stderr } = call(PROBE);
    expect([status, stderr]).toEqual([0, expect.stringContaining(`QMP on ${socket}`)]);
    const pid = Number(readFileSync(pidFile, 'latin1'));
    expect(process.kill(pid, 0)).toBe(true);
    const client = await QmpClient.negotiated(socket);
    expect(await client.ask('query-sev-capabilities')).toMatchObject({ cbitpos: 51 });
    expect(await client.ask('sev-inject-launch-secret', { 'packet-header': 'AA==', secret: '*' })).toEqual({
      class: 'GenericError',
      desc: 'SEV not enabled for guest',
    });
    await client.ask('quit');
    await expect.poll(() => [existsSync(socket), existsSync(pidFile)]).toEqual([false, false]);
    await expect.poll(() => isAtWork(pid)).toBe(false);
  });

  it('tells the one who called it when it cannot start, and leaves nothing', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(socket, resolve));
    writeFileSync(pidFile, 'another’s\n');
    const caller = spawnSync(
      process.execPath,
      [
        '-e',
        `const { status, stderr } = require('child_process').spawnSync(process.argv[1], process.argv.slice(2));
         process.stdout.write(status + ' ' + stderr)`,
        inFolder('emulator'),
        ...PROBE,
      ],
      { encoding: 'utf8', timeout: 20_000 },
    );
    expect(caller.stdout).toMatch(/^5 [\s\S]*somebody listens there already/);
    expect(existsSync(socket)).toBe(true);
    expect(readFileSync(pidFile, 'utf8')).toBe('another’s\n');
    other.close();
  });
});
