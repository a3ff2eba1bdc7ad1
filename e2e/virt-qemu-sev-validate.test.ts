import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBase64, toBase64 } from '@sevlab/codec/bytes';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { typeIn } from './test/command-line.ts';
import { ConsoleClient } from './test/console-client.ts';
import { optionalProgram } from './test/optional-program.ts';
import { QmpClient } from './test/qmp-client.ts';
import { killStarted, type StartedVmm, startVmm } from './test/started-vmm.ts';

const there = optionalProgram(
  'virt-qemu-sev-validate',
  'apt-get install --no-install-recommends libvirt-clients-qemu python3-libvirt python3-cryptography python3-lxml',
);
const STAND_IN = fileURLToPath(new URL('test/libvirt-stand-in', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'sevlab-validate-'));
const inFolder = (name: string): string => join(folder, name);
const text = (name: string): string => readFileSync(inFolder(name), 'latin1');
const [qmp, tty] = [inFolder('qmp'), inFolder('console')];
const LUKS_KEY = '736869e5-84f0-4973-92ec-06879ce3da0b'; // what the program calls luks-key

/** What a launch differs by: its policy, and the options of both sides that SEV-ES adds. */
const LAUNCHES = [
  { kind: 'SEV', session: 'vm', policy: 1, vcpus: 1, cpu: [] },
  {
    ...{ kind: 'SEV-ES, two vCPUs', session: 'es', policy: 5, vcpus: 2 },
    cpu: ['--num-cpus', '2', '--cpu-family', '23', '--cpu-model', '49', '--cpu-stepping', '0'], // EPYC-Rome
  },
];
type Launch = (typeof LAUNCHES)[number];

beforeAll(() => {
  for (const line of [
    ['firmware', 'build', '--out', 'amdsev.fd'],
    ['firmware', 'build', '--out', 'other.fd', '--no-reserve'],
    ['platform', 'export', '--store', 'platform', '--out', 'chain'],
    ...LAUNCHES.map(({ session, policy }) => [
      ...['owner', 'session', 'chain', '--seed', session, '--name', session, '--policy', `${policy}`],
    ]),
  ])
    expect(typeIn(folder, ...line).status, line.join(' ')).toBe(0);
  writeFileSync(inFolder('passphrase'), 'open sesame');
  writeFileSync(inFolder('wrong_tik.bin'), randomBytes(16));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  killStarted();
  for (const path of [qmp, tty]) rmSync(path, { force: true });
});

/** A domain as libvirt 9 starts it, its monitor on a path of ours. */
async function domain({ session, policy, vcpus }: Launch): Promise<StartedVmm> {
  const guest = {
    ...{ 'qom-type': 'sev-guest', id: 'lsec0', cbitpos: 51, 'reduced-phys-bits': 1, policy },
    'dh-cert-file': `${session}_godh.b64`,
    'session-file': `${session}_session.b64`,
  };
  const file = { driver: 'file', filename: 'amdsev.fd', 'node-name': 'pflash0-storage', 'read-only': true };
  const format = { driver: 'raw', file: 'pflash0-storage', 'node-name': 'pflash0-format', 'read-only': true };
  const ram = { 'qom-type': 'memory-backend-ram', id: 'pc.ram', size: 268435456 };
  const vmm = await startVmm(
    folder,
    ...[
      '--store',
      'platform',
      '--',
      '-name',
      'guest=tenant,debug-threads=on',
      '-S',
      '-nodefaults',
      '-no-user-config',
    ],
    ...['-blockdev', JSON.stringify(file), '-blockdev', JSON.stringify(format)],
    '-machine',
    'pc-q35-7.2,usb=off,pflash0=pflash0-format,confidential-guest-support=lsec0,memory-backend=pc.ram',
    ...['-accel', 'kvm', '-cpu', 'EPYC-Rome', '-m', '256', '-object', JSON.stringify(ram)],
    ...['-smp', `${vcpus},sockets=${vcpus},cores=1,threads=1`],
    ...['-uuid', 'a6f1c1ba-0001-4000-8000-00000000beef', '-display', 'none', '-no-reboot'],
    ...[
      '-chardev',
      `socket,id=charmonitor,path=${qmp},server=on,wait=off`,
      '-mon',
      'chardev=charmonitor,id=monitor,mode=control',
    ],
    ...['-chardev', `socket,id=charserial0,path=${tty},server=on,wait=off`, '-serial', 'chardev:charserial0'],
    ...['-object', JSON.stringify(guest)],
  );
  expect(vmm.stderr()).toContain('prelaunch');
  return vmm;
}

/** Debian's program, run by Debian's Python, whatever other one comes first. */
function validate(...line: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn('/usr/bin/python3', ['/usr/bin/virt-qemu-sev-validate', ...line], {
    ...{ cwd: folder, timeout: 30_000 },
    env: { ...process.env, PYTHONPATH: STAND_IN, PYTHONDONTWRITEBYTECODE: '1' },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes) => (stdout += bytes));
  child.stderr.on('data', (bytes) => (stderr += bytes));
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, stdout, stderr })));
}

const keysOf = ({ session }: Launch): string[] => [
  '--tik',
  `${session}_tik.bin`,
  '--tek',
  `${session}_tek.bin`,
];
const SECRET = ['--inject-secret', 'luks-key:passphrase'];

/** The guest's own answer. */
async function readsSecret(terminal: ConsoleClient): Promise<void> {
  await terminal.logIn('root');
  await terminal.type('cd /sys/kernel/security/secrets/coco');
  expect(await terminal.type(`cat ${LUKS_KEY}; echo`)).toBe('open sesame\r\n# ');
}

describe.skipIf(!there).each(LAUNCHES)('offline, $kind', (launch) => {
  /** Its options for what the host told over QMP. */
  async function told(client: QmpClient): Promise<string[]> {
    const { data } = (await client.ask('query-sev-launch-measure')) as { data: string };
    const sev = (await client.ask('query-sev')) as Record<string, number>;
    return [
      ...['--measurement', data, '--firmware', 'amdsev.fd', '--policy', `${sev.policy}`],
      ...[
        '--api-major',
        `${sev['api-major']}`,
        '--api-minor',
        `${sev['api-minor']}`,
        '--build-id',
        `${sev['build-id']}`,
      ],
      ...launch.cpu,
    ];
  }
  const files = ['--secret-header', 'header', '--secret-payload', 'payload'];
  const packet = () => ({ 'packet-header': text('header'), secret: text('payload') });

  it('accepts the measurement, and the AMD-SP its packet', async () => {
    await domain(launch);
    const client = await QmpClient.negotiated(qmp);
    expect(await validate(...(await told(client)), ...keysOf(launch), ...SECRET, ...files)).toEqual({
      ...{ status: 0, stderr: '', stdout: 'OK: Looks good to me\nOK: Injected 1 secrets\n' },
    });
    expect(await client.ask('sev-inject-launch-secret', packet())).toEqual({});
    const terminal = await ConsoleClient.open(tty);
    expect(await client.ask('cont')).toEqual({});
    await readsSecret(terminal);
    expect(await client.ask('sev-inject-launch-secret', packet())).toMatchObject({
      desc: 'SEV: Not in correct state. (LSECRET) 3',
    });
  });

  it('refuses what is not that launch, and the AMD-SP what is not its packet', async () => {
    await domain(launch);
    const client = await QmpClient.negotiated(qmp);
    const host = await told(client);
    const differs = {
      status: 1,
      stderr: 'ERROR: Measurement does not match, VM is not trustworthy\n',
      stdout: '',
    };
    const wrongTik = ['--tik', 'wrong_tik.bin', '--tek', `${launch.session}_tek.bin`];
    expect(await validate(...host, ...wrongTik)).toEqual(differs);
    expect(await validate(...host, '--firmware', 'other.fd', ...keysOf(launch))).toEqual(differs);
    expect(await validate(...host, '--policy', `${launch.policy | 2}`, ...keysOf(launch))).toEqual(differs);

    await validate(...host, ...keysOf(launch), ...SECRET, ...files);
    const altered = fromBase64(text('payload'));
    altered[7]! ^= 1;
    const bad = { desc: "SEV: failed to inject secret ret=-5 fw_error=11 'Bad measurement'" };
    const refused = { ...packet(), secret: toBase64(altered) };
    expect(await client.ask('sev-inject-launch-secret', refused)).toMatchObject(bad);
    client.close();
    killStarted();
    rmSync(qmp, { force: true });
    await domain(launch); // the same files, another nonce
    const again = await QmpClient.negotiated(qmp);
    expect(await again.ask('sev-inject-launch-secret', packet())).toMatchObject(bad);
  });
});

describe.skipIf(!there).each(LAUNCHES)('online, $kind', (launch) => {
  const xml = `<domain type='kvm' id='1'>
  <name>tenant</name>
  <vcpu>${launch.vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <loader readonly='yes' type='pflash' stateless='yes'>${inFolder('amdsev.fd')}</loader>
  </os>
  <launchSecurity type='sev'><policy>0x${launch.policy}</policy><dhCert>-</dhCert><session>-</session></launchSecurity>
</domain>`;
  const online = (more = ''): string[] => {
    writeFileSync(inFolder('domain.xml'), xml);
    const at = `qmp+unix://${qmp}?domain=${inFolder('domain.xml')}&signature=23,49,0${more}`;
    return ['--connect', at, '--domain', 'tenant'];
  };
  const secure = ['--firmware', 'amdsev.fd', ...launch.cpu];

  it('attests, injects, and lets the guest run', async () => {
    await domain(launch);
    const terminal = await ConsoleClient.open(tty);
    expect(await validate(...online(), ...secure, ...keysOf(launch))).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(await validate(...online(), ...secure, ...keysOf(launch), ...SECRET)).toEqual({
      ...{ status: 0, stderr: '', stdout: 'OK: Looks good to me\nOK: Injected 1 secrets\n' },
    });
    await readsSecret(terminal);
    const client = await QmpClient.negotiated(qmp);
    expect(await client.ask('query-status')).toMatchObject({ status: 'running' });
  });

  it('believes the host only when it is told to', async () => {
    await domain(launch);
    const local = online(`&host=${hostname()}`);
    expect(await validate(...local, ...secure, ...keysOf(launch))).toMatchObject({
      ...{ status: 3, stderr: 'ERROR: running locally on the hypervisor host is not secure\n' },
    });
    expect(await validate(...local, '--insecure', ...keysOf(launch), ...SECRET)).toEqual({
      ...{ status: 0, stderr: '', stdout: 'OK: Looks good to me\nOK: Injected 1 secrets\n' },
    });
  });

  it('refuses a wrong TIK, other firmware, and a guest that runs', async () => {
    await domain(launch);
    const differs = {
      status: 1,
      stderr: 'ERROR: Measurement does not match, VM is not trustworthy\n',
      stdout: '',
    };
    const wrongTik = ['--tik', 'wrong_tik.bin', '--tek', `${launch.session}_tek.bin`];
    expect(await validate(...online(), ...secure, ...wrongTik, ...SECRET)).toEqual(differs);
    const other = ['--firmware', 'other.fd', ...launch.cpu];
    expect(await validate(...online(), ...other, ...keysOf(launch), ...SECRET)).toEqual(differs);
    const wrongTek = ['--tik', `${launch.session}_tik.bin`, '--tek', 'wrong_tik.bin'];
    writeFileSync(inFolder('long'), randomBytes(16_400));
    expect(await validate(...online(), ...secure, ...wrongTek, '--inject-secret', 'luks-key:long')).toEqual({
      status: 6,
      stderr:
        "ERROR: internal error: unable to execute QEMU command 'sev-inject-launch-secret': " +
        "SEV: failed to inject secret ret=-22 fw_error=0 ''\n",
      stdout: 'OK: Looks good to me\n',
    });
    const client = await QmpClient.negotiated(qmp);
    await client.ask('cont');
    client.close();
    expect(await validate(...online(), ...secure, ...keysOf(launch), ...SECRET)).toEqual({
      ...{ status: 5, stderr: 'ERROR: Domain must be paused to validate measurement\n', stdout: '' },
    });
    expect(await validate(...online(), '--insecure', ...secure, ...keysOf(launch), ...SECRET)).toEqual({
      status: 6,
      stderr: 'ERROR: Requested operation is not valid: domain must be in a paused state\n',
      stdout: 'OK: Looks good to me\n',
    });
  });
});
