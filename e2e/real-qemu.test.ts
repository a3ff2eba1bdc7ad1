import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBase64, padTo, toBase64, toHex, utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { initrdFor, readAnswers } from '@sevlab/real-guest/first-program';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import { sealPacket } from '@sevlab/sev-channel/packet';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SEVLAB } from './test/command-line.ts';
import { QmpClient } from './test/qmp-client.ts';
import { realKernelIsThere } from './test/real-kernel.ts';
import { killStarted, type StartedVmm, startVmm } from './test/started-vmm.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-real-qemu-'));
const inFolder = (name: string): string => join(folder, name);
const [socket, ram, answers] = ['qmp', 'ram', 'answers'].map(inFolder) as [string, string, string];
const AREA = 0x81_0000;
const KEPT = 'e6f5a162-d67f-4750-a67c-5d065f2a9910';
const REMOVED = '736869e5-84f0-4973-92ec-06879ce3da0b';
const SECRET = 'for a real kernel alone';

afterEach(() => {
  killStarted();
  for (const file of [socket, ram, answers]) rmSync(file, { force: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const vmm = (...args: string[]): Promise<StartedVmm> =>
  startVmm(folder, '--seed', 'host', '--real-qemu', '--ram', ram, ...args);

/** What the RAM file holds of the secret area. */
function area(): Buffer {
  const bytes = Buffer.alloc(4096);
  const file = openSync(ram, 'r');
  readSync(file, bytes, 0, bytes.length, AREA);
  closeSync(file);
  return bytes;
}

/** A real OVMF of the AmdSev kind, such as Debian's package ovmf-amdsev has; nobody else builds one that is free of SEV. */
const { SEVLAB_OVMF: ovmf } = process.env;
if (ovmf === undefined)
  process.stderr.write(
    'NOT RUN: a real AmdSev OVMF; SEVLAB_OVMF=FILE names one, such as OVMF.amdsev.fd of ovmf-amdsev\n',
  );

const processesWith = (text: string): string =>
  spawnSync('pgrep', ['-f', text], { encoding: 'utf8' }).stdout.trim();

async function measured(client: QmpClient): Promise<Uint8Array> {
  const { data } = (await client.ask('query-sev-launch-measure')) as { data: string };
  return fromBase64(data);
}

function seal(measurement: Uint8Array, tik: Uint8Array = readFileSync(inFolder('vm_tik.bin'))) {
  const table = encodeSecretTable([
    { guid: parseGuid(KEPT), data: utf8(SECRET) },
    { guid: parseGuid(REMOVED), data: utf8('to be wiped') },
  ]);
  const { header, data } = sealPacket({
    ...{
      tik,
      tek: readFileSync(inFolder('vm_tek.bin')),
      measure: measurement.slice(0, 32),
      iv: randomBytes(16),
    },
    plaintext: padTo(table, Math.ceil(table.length / 16) * 16),
  });
  return { 'packet-header': toBase64(PacketHeader.encode(header)), secret: toBase64(data) };
}

beforeAll(() => {
  const run = (...args: string[]) => spawnSync(SEVLAB, args, { cwd: folder });
  expect(run('platform', 'export', '--seed', 'host', '--out', 'chain').status).toBe(0);
  expect(run('owner', 'session', 'chain', '--seed', 'owner').status).toBe(0);
});

describe.runIf(realKernelIsThere)('a real guest behind the emulated launch', () => {
  const parts = findGuestParts(new URL('../packages/real-guest', import.meta.url).pathname)!;
  const GUEST = [
    ...[
      '--kernel',
      parts?.kernel,
      '--initrd',
      inFolder('initrd'),
      '--append',
      'console=ttyS0 panic=-1 no_timer_check',
    ],
    ...['--kernel-hashes', '--memory', '256M', '--qmp', socket],
    ...['--dh-cert-file', inFolder('vm_godh.b64'), '--session-file', inFolder('vm_session.b64')],
  ];
  const SERIAL = ['-serial', `file:${inFolder('console')}`, '-serial', `file:${answers}`];

  beforeAll(() => {
    writeFileSync(
      inFolder('initrd'),
      initrdFor(parts, ['boot', 'autoload', 'ls', 'readall', `rm ${REMOVED}`]),
    );
  });

  it('reads the secret that was injected; the host sees ciphertext', async () => {
    const { exited, stderr } = await vmm(...GUEST, '--', ...SERIAL, '-no-shutdown');
    const client = await QmpClient.negotiated(socket);
    expect(await client.ask('query-status')).toMatchObject({ status: 'prelaunch' });
    expect(await client.ask('query-sev')).toMatchObject({ state: 'launch-secret', policy: 1 });
    expect(await client.ask('query-version')).toMatchObject({
      package: expect.not.stringContaining('sevlab'),
    });
    const packet = seal(await measured(client));

    // three refusals, as on hardware
    const refusal = {
      class: 'GenericError',
      desc: "SEV: failed to inject secret ret=-5 fw_error=11 'Bad measurement'",
    };
    const wrongTik = seal(await measured(client), randomBytes(16));
    expect(await client.ask('sev-inject-launch-secret', wrongTik)).toEqual(refusal);
    const altered = fromBase64(packet.secret).slice();
    altered[5]! ^= 4;
    expect(await client.ask('sev-inject-launch-secret', { ...packet, secret: toBase64(altered) })).toEqual(
      refusal,
    );
    expect(await client.ask('sev-inject-launch-secret', packet)).toEqual({});
    await client.ask('pmemsave', { val: AREA, size: 4096, filename: inFolder('before') });
    expect(area().every((byte) => byte === 0)).toBe(true); // nothing is there before the guest runs
    expect(await client.ask('cont')).toEqual({});
    expect(await client.ask('sev-inject-launch-secret', packet)).toMatchObject({
      desc: 'SEV: Not in correct state. (LSECRET) 3',
    });

    while (((await client.ask('query-status')) as { status: string }).status === 'running') await sleep(50);
    const told = readAnswers(readFileSync(answers, 'latin1'));
    expect(told.find(({ op }) => op === 'readall')).toMatchObject({
      f: expect.arrayContaining([expect.objectContaining({ n: KEPT, hex: toHex(utf8(SECRET)) })]),
    });
    expect(told.find(({ op }) => op === 'rm')).toMatchObject({ rc: 0 });

    expect(area().includes(SECRET)).toBe(true);
    expect(area().includes('to be wiped')).toBe(false);
    await client.ask('pmemsave', { val: AREA, size: 4096, filename: inFolder('after') });
    const [before, after] = ['before', 'after'].map((name) => readFileSync(inFolder(name)));
    for (const dump of [before!, after!]) {
      expect(dump.includes(SECRET)).toBe(false);
      expect(dump.includes(Buffer.from('42f5741e', 'hex'))).toBe(false);
    }
    expect(after!.subarray(0, 16)).toEqual(before!.subarray(0, 16)); // the same ciphertext where nothing changed
    expect(after!.equals(before!)).toBe(false); // another where the entry was wiped
    expect(await client.ask('quit')).toEqual({});
    expect(await exited).toBe(0);
    expect(existsSync(socket)).toBe(false);
    expect(stderr()).toMatch(/BAD_MEASUREMENT: a MAC does not fit/);
    expect(stderr()).not.toContain(SECRET);
  });

  it.runIf(ovmf !== undefined)('reads it behind real firmware, too', async () => {
    const { exited } = await vmm(...GUEST, '--firmware', ovmf ?? '', '--', ...SERIAL);
    const client = await QmpClient.negotiated(socket);
    expect(await client.ask('sev-inject-launch-secret', seal(await measured(client)))).toEqual({});
    await client.ask('cont');
    expect(await exited).toBe(0);
    expect(readFileSync(inFolder('console'), 'latin1')).toMatch(/efi: EFI v.* by /);
    expect(readAnswers(readFileSync(answers, 'latin1')).find(({ op }) => op === 'readall')).toMatchObject({
      f: expect.arrayContaining([expect.objectContaining({ n: KEPT, hex: toHex(utf8(SECRET)) })]),
    });
    expect(area().includes(SECRET)).toBe(true);
    expect(area().includes('to be wiped')).toBe(false);
  });

  it('ends with the guest, and leaves no process and no file behind', async () => {
    const { exited } = await vmm(...GUEST, '--', ...SERIAL);
    const client = await QmpClient.negotiated(socket);
    await client.ask('cont');
    expect(await exited).toBe(0);
    expect(processesWith(ram)).toBe('');
    expect(readAnswers(readFileSync(answers, 'latin1')).find(({ op }) => op === 'autoload')).toMatchObject({
      bound: false,
    });
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('takes the real one with it at %s', async (signal) => {
    const { child, exited } = await vmm(...GUEST);
    expect(processesWith(ram)).not.toBe('');
    child.kill(signal);
    await exited;
    for (let i = 0; i < 100 && processesWith(ram) !== ''; i++) await sleep(20);
    expect(processesWith(ram)).toBe('');
  });

  it('runs at once without -S', async () => {
    const args = GUEST.slice(0, -4).filter(
      (word) => word !== '--qmp' && word !== socket && !word.startsWith('--'),
    );
    const [kernel, initrd, append] = args as [string, string, string];
    const { exited, stderr } = await vmm(
      ...[
        '--',
        '-nodefaults',
        '-display',
        'none',
        '-m',
        '256',
        '-machine',
        'q35,confidential-guest-support=s',
      ],
      ...[
        '-object',
        'sev-guest,id=s,cbitpos=51,reduced-phys-bits=6,kernel-hashes=on',
        '-kernel',
        kernel,
        '-initrd',
        initrd,
      ],
      ...['-append', append, '-qmp', `unix:${socket},server=on,wait=off`, ...SERIAL],
    );
    expect(await exited, stderr()).toBe(0);
    expect(readAnswers(readFileSync(answers, 'latin1')).some(({ op }) => op === 'readall')).toBe(true);
  });

  it('says why nobody could find a secret in other firmware', async () => {
    writeFileSync(inFolder('other.fd'), new Uint8Array(0x1_0000));
    const { exited, stderr } = await vmm('--qmp', socket, '--firmware', inFolder('other.fd'));
    expect(await exited).toBe(2);
    expect(stderr()).toMatch(
      /other\.fd: nobody would find a secret.*expected an image of sevlab firmware build/i,
    );
  });

  it('says what QEMU says of its arguments, and ends as it does', async () => {
    const { exited, stderr } = await vmm('--qmp', socket, '--', '-device', 'no-such-device');
    expect(await exited).toBe(1);
    expect(stderr()).toContain("'no-such-device' is not a valid device model name");
    expect(existsSync(socket)).toBe(false);
  });
});
