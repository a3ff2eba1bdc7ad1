import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
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
import { fromBase64, toBase64, toHex, utf8 } from '@sevlab/codec/bytes';
import { initrdFor, readAnswers } from '@sevlab/real-guest/first-program';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SEVLAB } from './test/command-line.ts';
import { libvirtIsThere, type Outcome, PrivateLibvirt } from './test/private-libvirt.ts';
import { QmpClient } from './test/qmp-client.ts';
import { realKernelIsThere } from './test/real-kernel.ts';
import { SEALED_GUID, sealSecret } from './test/seal-secret.ts';

const LUKS_KEY = '736869e5-84f0-4973-92ec-06879ce3da0b';
const PASSPHRASE = 'a passphrase for the disk';
const AREA = 0x81_0000;
const NAME = 'tenant';

const parts = realKernelIsThere
  ? findGuestParts(new URL('../packages/real-guest', import.meta.url).pathname)
  : undefined;
const COMMAND_LINE = 'console=ttyS0 panic=-1 no_timer_check';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-libvirt-'));
const inFolder = (name: string): string => join(folder, name);
const [emulator, ram, answers] = ['emulator', 'ram', 'answers'].map(inFolder) as [string, string, string];
let libvirt: PrivateLibvirt;
let refusal: string | undefined;

const sevlab = (...args: string[]): void => {
  const { status, stderr } = spawnSync(SEVLAB, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`sevlab ${args.join(' ')}: ${stderr}`);
};

interface Domain {
  readonly policy?: number;
  readonly kernel?: string;
}

/** A domain of TCG: libvirt does not ask for KVM where a guest is of SEV. */
function domainXml({ policy = 1, kernel }: Domain): string {
  const [dhCert, session] = ['godh', 'session'].map((part) =>
    readFileSync(inFolder(`policy${policy}_${part}.b64`), 'latin1').trim(),
  );
  const direct = `<kernel>${kernel}</kernel><initrd>${inFolder('initrd')}</initrd><cmdline>${COMMAND_LINE}</cmdline>`;
  return `<domain type='qemu'><name>${NAME}</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type>
<loader readonly='yes' type='pflash' stateless='yes'>${inFolder('firmware')}</loader>${kernel === undefined ? '' : direct}</os>
<features><acpi/></features>
<devices><emulator>${emulator}</emulator><memballoon model='none'/>
<serial type='file'><source path='${inFolder('console')}'/></serial>
<serial type='file'><source path='${answers}'/></serial></devices>
<launchSecurity type='sev'${kernel === undefined ? '' : " kernelHashes='yes'"}>
<cbitpos>51</cbitpos><reducedPhysBits>6</reducedPhysBits><policy>0x${policy.toString(16)}</policy>
<dhCert>${dhCert}</dhCert><session>${session}</session></launchSecurity></domain>`;
}

function create(domain: Domain): Outcome {
  writeFileSync(inFolder('domain.xml'), domainXml(domain));
  return libvirt.virsh('create', '--paused', inFolder('domain.xml'));
}

const keys = (policy = 1): string[] => [
  '--tik',
  inFolder(`policy${policy}_tik.bin`),
  '--tek',
  inFolder(`policy${policy}_tek.bin`),
];
const validate = (...words: string[]): Outcome =>
  libvirt.python('virt-qemu-sev-validate', '--insecure', '--domain', NAME, ...words);
const measurement = (): Uint8Array =>
  fromBase64(/sev-measurement: (\S+)/.exec(libvirt.virsh('domlaunchsecinfo', NAME).stdout)?.[1] ?? '');

/** virsh domsetlaunchsecstate with these files. */
function inject(header: string, secret: string, ...words: string[]): Outcome {
  writeFileSync(inFolder('header'), header);
  writeFileSync(inFolder('payload'), secret);
  const files = ['--secrethdr', inFolder('header'), '--secret', inFolder('payload')];
  return libvirt.virsh('domsetlaunchsecstate', NAME, ...files, ...words);
}

/** What the guest read, once it has ended, which takes its domain with it; and what its RAM holds. */
async function expectSecretInGuest(guid: string): Promise<void> {
  while (libvirt.virsh('domstate', NAME).status === 0) await sleep(100);
  expect(readAnswers(readFileSync(answers, 'latin1')).find(({ op }) => op === 'readall')).toMatchObject({
    f: [{ n: guid, hex: toHex(utf8(PASSPHRASE)) }],
  });
  const area = Buffer.alloc(256);
  const file = openSync(ram, 'r');
  readSync(file, area, 0, area.length, AREA);
  closeSync(file);
  expect(area.includes(PASSPHRASE)).toBe(true);
}

/** ATTESTATION, whose report is signed by the platform; here its nonce and the launch digest. */
function expectReport(report: Uint8Array, mnonce: Uint8Array): void {
  expect(report).toHaveLength(208);
  expect(report.subarray(0, 16)).toEqual(mnonce);
}

const seal = (measure: Uint8Array, tik: Uint8Array = readFileSync(inFolder('policy1_tik.bin'))) =>
  sealSecret({
    ...{ secret: utf8(PASSPHRASE), measurement: measure, tik },
    tek: readFileSync(inFolder('policy1_tek.bin')),
  });

/** Lets a client talk to the domain through virt-qemu-qmp-proxy. */
async function throughProxy(talk: (client: QmpClient) => Promise<void>): Promise<void> {
  const socket = inFolder('proxy');
  rmSync(socket, { force: true });
  const proxy = libvirt.startPython('virt-qemu-qmp-proxy', NAME, socket);
  try {
    while (!existsSync(socket)) await sleep(50);
    const client = await QmpClient.negotiated(socket);
    await talk(client);
    client.close();
  } finally {
    proxy.kill();
  }
}

const qemuSays = (text: string): string =>
  `internal error: unable to execute QEMU command 'sev-inject-launch-secret': SEV: failed to inject secret ${text}`;

beforeAll(async () => {
  if (!libvirtIsThere) return;
  sevlab('platform', 'export', '--seed', 'host', '--out', 'chain');
  for (const policy of [1, 5])
    sevlab(
      'owner',
      'session',
      'chain',
      '--seed',
      `owner ${policy}`,
      '--name',
      `policy${policy}`,
      '--policy',
      String(policy),
    );
  sevlab('firmware', 'build', '--out', 'firmware');
  sevlab('vmm', '--install-emulator', emulator, '--real-qemu', '--seed', 'host', '--ram', ram);
  writeFileSync(inFolder('passphrase'), PASSPHRASE);
  mkdirSync(inFolder('libvirt'));
  const started = await PrivateLibvirt.start(inFolder('libvirt'));
  if (typeof started === 'string') {
    refusal = started;
    process.stderr.write(`NOT RUN: libvirtd, which needs a namespace of mounts of its own: ${started}\n`);
  } else libvirt = started;
}, 60_000);

afterEach(() => {
  if (libvirt !== undefined) libvirt.virsh('destroy', NAME);
});

afterAll(async () => {
  await libvirt?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.runIf(libvirtIsThere)('libvirt, with sevlab as the emulator of a domain', () => {
  it('starts it paused, and tells of the launch', ({ skip }) => {
    skip(refusal !== undefined, refusal);
    expect(create({})).toMatchObject({ status: 0 });
    const { stdout } = libvirt.virsh('domlaunchsecinfo', NAME);
    expect(stdout).toMatch(
      /sev-measurement: \S{64}\nsev-api-major {2}: 1\nsev-api-minor {2}: 55\nsev-build-id {3}: 25\nsev-policy {5}: 1\n/,
    );
    expect(libvirt.virsh('domstate', '--reason', NAME).stdout.trim()).toBe('paused (user)');
    expect(libvirt.virsh('qemu-monitor-command', '--hmp', NAME, 'info sev').stdout).toContain(
      'state: launch-secret',
    );
  });

  it('virt-qemu-sev-validate accepts it, and not with another key or other firmware', ({ skip }) => {
    skip(refusal !== undefined, refusal);
    expect(create({}).status).toBe(0);
    expect(validate(...keys())).toMatchObject({ status: 0, stdout: 'OK: Looks good to me\n' });
    const mismatch = { status: 1, stderr: 'ERROR: Measurement does not match, VM is not trustworthy\n' };
    expect(validate(...keys(5))).toMatchObject(mismatch);
    sevlab('firmware', 'build', '--layout', '202402', '--out', 'other-firmware');
    expect(validate(...keys(), '--firmware', inFolder('other-firmware'))).toMatchObject(mismatch);
  });

  it('virsh hands packets over, and tells why the AMD-SP refuses one', ({ skip }) => {
    skip(refusal !== undefined, refusal);
    expect(create({}).status).toBe(0);
    const good = seal(measurement());
    const wrongTik = seal(measurement(), new Uint8Array(16));
    const altered = fromBase64(good.secret).slice();
    altered[0]! ^= 1;
    const badMeasurement = qemuSays("ret=-5 fw_error=11 'Bad measurement'");
    expect(inject(wrongTik['packet-header'], wrongTik.secret).stderr).toContain(badMeasurement);
    expect(inject(good['packet-header'], toBase64(altered)).stderr).toContain(badMeasurement);
    expect(inject(good['packet-header'], 'AAAA').stderr).toContain(
      qemuSays("ret=-5 fw_error=4 'Buffer too small'"),
    );
    expect(inject(good['packet-header'], good.secret, '--set-address', String(0x7001)).stderr).toContain(
      qemuSays("ret=-5 fw_error=9 'Invalid address'"),
    );
    expect(inject(good['packet-header'], good.secret)).toMatchObject({ status: 0 });
    expect(libvirt.virsh('resume', NAME).status).toBe(0);
    expect(inject(good['packet-header'], good.secret).stderr).toContain(
      'Requested operation is not valid: domain must be in a paused state',
    );
  });

  it('a session for another policy does not start', ({ skip }) => {
    skip(refusal !== undefined, refusal);
    const xml = domainXml({}).replace('<policy>0x1<', '<policy>0x3<');
    writeFileSync(inFolder('domain.xml'), xml);
    const { status, stderr } = libvirt.virsh('create', '--paused', inFolder('domain.xml'));
    expect(status).toBe(1);
    expect(stderr).toContain("sev_launch_start: LAUNCH_START ret=1 fw_error=11 'Bad measurement'");
  });

  it('a guest of SEV-ES is measured with its registers', ({ skip }) => {
    skip(refusal !== undefined, refusal);
    expect(create({ policy: 5 }).status).toBe(0);
    const cpu = [
      '--firmware',
      inFolder('firmware'),
      '--num-cpus',
      '1',
      '--cpu-family',
      '15',
      '--cpu-model',
      '107',
      '--cpu-stepping',
      '1',
    ];
    expect(validate(...keys(5), ...cpu)).toMatchObject({ status: 0, stderr: '' });
    expect(validate(...keys(5), ...cpu.with(7, '108'))).toMatchObject({ status: 1 });
  });

  it('virt-qemu-qmp-proxy lets other clients of QEMU in, and refuses as QEMU does', async ({ skip }) => {
    skip(refusal !== undefined, refusal);
    expect(create({}).status).toBe(0);
    await throughProxy(async (client) => {
      expect(await client.ask('query-sev')).toMatchObject({ state: 'launch-secret', policy: 1 });
      const { data } = (await client.ask('query-sev-launch-measure')) as { data: string };
      expect(fromBase64(data)).toEqual(measurement());
      const packet = seal(fromBase64(data));
      const badMeasurement = { desc: "SEV: failed to inject secret ret=-5 fw_error=11 'Bad measurement'" };
      const wrongTik = seal(fromBase64(data), new Uint8Array(16));
      expect(await client.ask('sev-inject-launch-secret', wrongTik)).toMatchObject(badMeasurement);
      const altered = { ...packet, secret: toBase64(new Uint8Array(64)) };
      expect(await client.ask('sev-inject-launch-secret', altered)).toMatchObject(badMeasurement);
      expect(await client.ask('cont')).toEqual({});
      expect(await client.ask('sev-inject-launch-secret', packet)).toMatchObject({
        desc: 'SEV: Not in correct state. (LSECRET) 3',
      });
    });
  });

  describe.runIf(parts !== undefined)('a real guest has the secret as a file', () => {
    const start = (): void => {
      writeFileSync(inFolder('initrd'), initrdFor(parts!, ['boot', 'autoload', 'ls', 'readall'])); // runIf() saw them
      expect(create({ kernel: parts!.kernel })).toMatchObject({ status: 0 });
    };
    const direct = [
      ...['--kernel', parts?.kernel ?? '', '--initrd', inFolder('initrd')],
      ...['--cmdline', COMMAND_LINE],
    ];

    it('from virt-qemu-sev-validate', async ({ skip }) => {
      skip(refusal !== undefined, refusal);
      start();
      const secret = ['--inject-secret', `luks-key:${inFolder('passphrase')}`];
      expect(validate(...keys(), ...direct.with(5, 'another'))).toMatchObject({ status: 1 });
      expect(validate(...keys(), ...direct, ...secret)).toMatchObject({
        status: 0,
        stdout: 'OK: Looks good to me\nOK: Injected 1 secrets\n',
      });
      await expectSecretInGuest(LUKS_KEY);
    });

    it('from virsh', async ({ skip }) => {
      skip(refusal !== undefined, refusal);
      start();
      expect(validate(...keys(), ...direct)).toMatchObject({ status: 0 });
      const mnonce = new Uint8Array(randomBytes(16));
      const ask = { execute: 'query-sev-attestation-report', arguments: { mnonce: toBase64(mnonce) } };
      const { stdout } = libvirt.virsh('qemu-monitor-command', NAME, JSON.stringify(ask));
      expectReport(fromBase64(JSON.parse(stdout).return.data), mnonce);
      const packet = seal(measurement());
      expect(inject(packet['packet-header'], packet.secret)).toMatchObject({ status: 0 });
      expect(libvirt.virsh('resume', NAME).status).toBe(0);
      await expectSecretInGuest(SEALED_GUID);
    });

    it('from a client behind virt-qemu-qmp-proxy', async ({ skip }) => {
      skip(refusal !== undefined, refusal);
      start();
      await throughProxy(async (client) => {
        const mnonce = new Uint8Array(randomBytes(16));
        const { data } = (await client.ask('query-sev-attestation-report', { mnonce: toBase64(mnonce) })) as {
          data: string;
        };
        expectReport(fromBase64(data), mnonce);
        expect(await client.ask('sev-inject-launch-secret', seal(measurement()))).toEqual({});
        expect(await client.ask('cont')).toEqual({});
      });
      await expectSecretInGuest(SEALED_GUID);
    });
  });
});
