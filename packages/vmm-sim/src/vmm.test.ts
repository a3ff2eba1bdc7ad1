import { gpa } from '@sevlab/codec/address';
import { describe, expect, test } from 'vitest';
import { type Answer, type Arrived, imageWithArea, paddr, recordingHost } from '../test/recording-host.ts';
import { CommandFailed, VmmError } from './errors.ts';
import { ramRegions } from './ram-regions.ts';
import { createVmm, type LaunchRequest } from './vmm.ts';

const MIB = 1n << 20n;
const GIB = 1n << 30n;
const IMAGE = imageWithArea(0x81_0000, 0x1000);
const SESSION = { godh: new Uint8Array(0x824).fill(1), session: new Uint8Array(0x80).fill(2) };
const REQUEST: LaunchRequest = { image: IMAGE, memorySize: 64n * MIB, policy: 1, session: SESSION };
const HANDLE = 5;

/** What the AMD-SP of a launch answers, with one command failing if asked. */
const amdSp =
  (failing?: string) =>
  ({ name }: Arrived): Answer => {
    if (name === failing) return { status: 'RESOURCE_LIMIT' };
    return name === 'LAUNCH_START' ? { fields: { handle: HANDLE } } : {};
  };

/** Everything from INIT to the guest's end. */
function wholeLife(failing?: string) {
  const recorded = recordingHost(amdSp(failing));
  const vmm = createVmm(recorded.host, 'genoa');
  const live = () => {
    vmm.initPlatform();
    vmm.platformStatus();
    vmm.exportCertificates();
    const measured = vmm.launch(REQUEST).measure();
    const status = measured.injectSecret({ header: new Uint8Array(52), data: new Uint8Array(32) });
    measured.finish().destroy();
    return status;
  };
  return { ...recorded, vmm, live };
}

const ORDER = [
  ...['INIT', 'DF_FLUSH', 'PLATFORM_STATUS', 'PDH_CERT_EXPORT'],
  ...['LAUNCH_START', 'ACTIVATE', 'LAUNCH_UPDATE_DATA', 'LAUNCH_MEASURE', 'LAUNCH_SECRET', 'LAUNCH_FINISH'],
  ...['DEACTIVATE', 'DECOMMISSION'],
];

test('commands come in the order of a launch, once each, for one handle', () => {
  const { arrived, live } = wholeLife();
  expect(live()).toBe('SUCCESS');
  expect(arrived.map(({ name }) => name)).toEqual(ORDER);
  for (const { name, fields } of arrived.slice(5)) expect(fields.handle, name).toBe(HANDLE);
});

/** What KVM does of itself when a command fails (Linux, arch/x86/kvm/svm/sev.c: sev_launch_start, sev_vm_destroy). */
const BEHIND_A_FAILED: Readonly<Record<string, readonly string[]>> = {
  ACTIVATE: ['DECOMMISSION'],
  LAUNCH_UPDATE_DATA: ['DEACTIVATE', 'DECOMMISSION'],
  DEACTIVATE: ['DECOMMISSION'],
};

test.each(ORDER.filter((name) => name !== 'LAUNCH_SECRET'))('%s fails: the VMM gives up there', (name) => {
  const { arrived, live } = wholeLife(name);
  expect(live).toThrow(CommandFailed);
  expect(arrived.map((command) => command.name)).toEqual([
    ...ORDER.slice(0, ORDER.indexOf(name) + 1),
    ...(BEHIND_A_FAILED[name] ?? []),
  ]);
  expect(wholeLife(name).live).toThrow(
    expect.objectContaining({
      command: name,
      status: 'RESOURCE_LIMIT',
      message: `${name} failed with RESOURCE_LIMIT; expected SUCCESS`,
    }),
  );
});

test('LAUNCH_SECRET fails: its status is an answer, and the launch goes on', () => {
  const { arrived, live } = wholeLife('LAUNCH_SECRET');
  expect(live()).toBe('RESOURCE_LIMIT');
  expect(arrived.map(({ name }) => name)).toEqual(ORDER);
});

test('DF_FLUSH comes after WBINVD on every core', () => {
  const recorded = recordingHost(({ name }) => {
    if (name === 'DF_FLUSH') expect(recorded.machine.secureProcessor.wbinvdDone()).not.toContain(false);
    else recorded.machine.secureProcessor.clearWbinvd();
    return {};
  });
  createVmm(recorded.host, 'genoa').initPlatform();
  expect(recorded.arrived.map(({ name }) => name)).toEqual(['INIT', 'DF_FLUSH']);
});

test('INIT_EX gets the area on a page of its own, and what it becomes is read there', () => {
  const given = new Uint8Array(0x8000).fill(7);
  const recorded = recordingHost(({ name, fields }, { memory }) => {
    if (name !== 'INIT_EX') return {};
    expect(fields).toMatchObject({ length: 0x24, flags: 0, nvLen: 0x8000 });
    expect(BigInt(paddr(fields.nvPaddr)) % 4096n).toBe(0n);
    expect(memory.read(paddr(fields.nvPaddr), 0x8000)).toEqual(given);
    memory.write(paddr(fields.nvPaddr), new Uint8Array(0x8000).fill(8));
    return {};
  });
  const vmm = createVmm(recorded.host, 'genoa');
  vmm.platformStatus(); // takes 16 bytes or so in front of the area
  const area = vmm.initPlatformEx(given);
  vmm.exportCertificates();
  expect(recorded.host.memory.read(area, 0x8000)).toEqual(new Uint8Array(0x8000).fill(8));
  expect(recorded.arrived.map(({ name }) => name)).toEqual([
    'PLATFORM_STATUS',
    'INIT_EX',
    'DF_FLUSH',
    'PDH_CERT_EXPORT',
  ]);
});

test('certificates are what PDH_CERT_EXPORT wrote, cut where they end', () => {
  const { host } = recordingHost(({ fields }, { memory }) => {
    expect(fields).toMatchObject({ pdhLen: 0x824, certsLen: 0x186c });
    memory.write(paddr(fields.pdhPaddr), new Uint8Array(0x824).fill(1));
    memory.write(
      paddr(fields.certsPaddr),
      Uint8Array.from({ length: 0x186c }, (_, i) => 2 + Math.floor(i / 0x824)),
    );
    return {};
  });
  const { pdh, pek, oca, cek } = createVmm(host, 'genoa').exportCertificates();
  for (const [i, certificate] of [pdh, pek, oca, cek].entries())
    expect(certificate).toEqual(new Uint8Array(0x824).fill(i + 1));
});

describe('LAUNCH_START', () => {
  const start = (request: LaunchRequest) => {
    const recorded = recordingHost(amdSp());
    createVmm(recorded.host, 'genoa').launch(request);
    return { ...recorded, fields: recorded.arrived[0]!.fields };
  };

  test('points to the session in host memory', () => {
    const { host, fields } = start({ ...REQUEST, policy: 0x3701_0001 });
    expect(fields).toMatchObject({ handle: 0, policy: 0x3701_0001, dhCertLen: 0x824, sessionLen: 0x80 });
    expect(host.memory.read(paddr(fields.dhCertPaddr), 0x824)).toEqual(SESSION.godh);
    expect(host.memory.read(paddr(fields.sessionPaddr), 0x80)).toEqual(SESSION.session);
  });

  test('without a session has zeros', () => {
    const { image, memorySize, policy } = REQUEST;
    const none = { dhCertPaddr: 0n, dhCertLen: 0, sessionPaddr: 0n, sessionLen: 0 };
    expect(start({ image, memorySize, policy }).fields).toMatchObject(none);
  });
});

test('the image lies below 4 GiB when LAUNCH_UPDATE_DATA names it, whole', () => {
  const { host, arrived } = recordingHost((command, { memory }) => {
    if (command.name === 'LAUNCH_UPDATE_DATA') {
      expect(command.fields.length).toBe(IMAGE.length);
      expect(memory.read(paddr(command.fields.paddr), IMAGE.length)).toEqual(IMAGE);
    }
    return amdSp()(command);
  });
  const { record } = createVmm(host, 'genoa').launch(REQUEST);
  const [place] = host.locate(record.guest, gpa(4n * GIB - BigInt(IMAGE.length)), IMAGE.length);
  expect(arrived.at(-1)).toMatchObject({ fields: { paddr: place!.spa, length: IMAGE.length } });
});

test('ASIDs start where those for guests without SEV-ES start, and no two guests share one', () => {
  const { host, arrived } = recordingHost(amdSp());
  const vmm = createVmm(host, 'genoa');
  vmm.launch(REQUEST);
  const fork = vmm.fork(host);
  vmm.launch(REQUEST);
  fork.launch(REQUEST);
  const asids = arrived.filter(({ name }) => name === 'ACTIVATE').map(({ fields }) => fields.asid);
  expect(asids).toEqual([100, 101, 101]);
});

test.each<[string, Partial<LaunchRequest>, RegExp]>([
  ['no memory', { memorySize: 0n }, /^guest memory: expected a multiple of 4096 up to 64 GiB, got 0 bytes$/],
  ['negative memory', { memorySize: -4096n }, /^guest memory: /],
  ['half a page', { memorySize: 64n * MIB + 2048n }, /^guest memory: /],
  ['a page too much', { memorySize: 64n * GIB + 4096n }, /^guest memory: /],
  [
    'an empty image',
    { image: new Uint8Array(0) },
    /^firmware image: expected a multiple of 4096 bytes, got 0$/,
  ],
  ['an odd image', { image: new Uint8Array(4097) }, /^firmware image: .*got 4097$/],
])('%s is refused before any command', (_, wrong, message) => {
  const { host, arrived } = recordingHost();
  const launch = () => createVmm(host, 'genoa').launch({ ...REQUEST, ...wrong });
  expect(launch).toThrow(VmmError);
  expect(launch).toThrow(message);
  expect(arrived).toEqual([]);
});

/** QEMU, hw/i386/pc_q35.c. */
test.each([
  [4096n, [[0n, 4096n]]],
  [0xb000_0000n - 4096n, [[0n, 0xb000_0000n - 4096n]]],
  [
    0xb000_0000n,
    [
      [0n, 0x8000_0000n],
      [0x1_0000_0000n, 0x3000_0000n],
    ],
  ],
  [
    64n * GIB,
    [
      [0n, 0x8000_0000n],
      [0x1_0000_0000n, 62n * GIB],
    ],
  ],
])('%i bytes of RAM', (size, expected) => {
  expect(ramRegions(size).map((region) => [region.gpa, region.length])).toEqual(expected);
});

test('RAM of 2.75 GiB is there below 2 GiB and above 4 GiB, and nowhere between', () => {
  const { host } = recordingHost(amdSp());
  const { guest } = createVmm(host, 'genoa').launch({ ...REQUEST, memorySize: 0xb000_0000n }).record;
  const there = (at: bigint) => host.locate(guest, gpa(at), 1)[0]?.spa !== undefined;
  expect([0x7fff_ffffn, 0x8000_0000n, 0x1_0000_0000n, 0x1_2fff_ffffn, 0x1_3000_0000n].map(there)).toEqual([
    true,
    false,
    true,
    true,
    false,
  ]);
});
