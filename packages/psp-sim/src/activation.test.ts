import { type Spa, spa } from '@sevlab/codec/address';
import {
  ActivateBuffer,
  ActivateExBuffer,
  CopyBuffer,
  HandleBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
} from '@sevlab/codec/sev/command';
import { POLICY } from '@sevlab/codec/sev/policy';
import { VmrunRefused } from '@sevlab/machine/machine';
import { PARTS } from '@sevlab/machine/part';
import { describe, expect, it } from 'vitest';
import {
  ASID,
  createPlatform,
  expectSuccess,
  initialise,
  launchGuest,
  measureGuest,
  type Platform,
  startBuffer,
} from '../test/platform.ts';
import type { ProfileName } from './profile.ts';

const { minSevAsid, maxAsid } = PARTS.genoa;

function prepared(profile: ProfileName = 'genoa-1.55'): Platform {
  const platform = createPlatform(profile);
  initialise(platform);
  platform.sp.state.es = true;
  return platform;
}

/** A guest in LUPDATE without an ASID. */
function start(platform: Platform, policy: number): number {
  const { status, value } = platform.run('LAUNCH_START', LaunchStartBuffer, startBuffer(platform, policy));
  expectSuccess(status);
  return value.handle;
}

/** A guest in RUNNING. */
function running(platform: Platform, asid = ASID): number {
  const handle = launchGuest(platform, 1, asid);
  measureGuest(platform, handle);
  expectSuccess(platform.run('LAUNCH_FINISH', HandleBuffer, { handle }).status);
  return handle;
}

const activate = (platform: Platform, handle: number, asid: number) =>
  platform.run('ACTIVATE', ActivateBuffer, { handle, asid }).status;
const deactivate = (platform: Platform, handle: number) =>
  platform.run('DEACTIVATE', HandleBuffer, { handle }).status;
const decommission = (platform: Platform, handle: number) =>
  platform.run('DECOMMISSION', HandleBuffer, { handle }).status;

describe('which ASIDs are for whom', () => {
  it.each([
    ['without SEV-ES', 1, 1, 'INVALID_ASID'],
    ['without SEV-ES', 1, minSevAsid - 1, 'INVALID_ASID'],
    ['without SEV-ES', 1, minSevAsid, 'SUCCESS'],
    ['without SEV-ES', 1, maxAsid, 'SUCCESS'],
    ['without SEV-ES', 1, maxAsid + 1, 'INVALID_ASID'],
    ['without SEV-ES', 1, 0, 'INVALID_ASID'],
    ['with SEV-ES', POLICY.ES, 0, 'INVALID_ASID'],
    ['with SEV-ES', POLICY.ES, 1, 'SUCCESS'],
    ['with SEV-ES', POLICY.ES, minSevAsid - 1, 'SUCCESS'],
    ['with SEV-ES', POLICY.ES, minSevAsid, 'INVALID_ASID'],
    ['with SEV-ES', POLICY.ES, maxAsid, 'INVALID_ASID'],
  ] as const)('a guest %s (policy %i) on ASID %i: %s', (_, policy, asid, status) => {
    const platform = prepared();
    expect(activate(platform, start(platform, policy), asid)).toBe(status);
  });

  it.each([
    [1, minSevAsid - 1],
    [POLICY.ES, minSevAsid],
  ])('policy %i: ASID %i of the wrong range asks for DF_FLUSH while it is dirty', (policy, asid) => {
    const platform = prepared();
    const handle = start(platform, policy);
    platform.sp.state.asids[asid] = 'dirty';
    expect(activate(platform, handle, asid)).toBe('DF_FLUSH_REQUIRED');
    platform.sp.state.asids[asid] = 'clean';
    expect(activate(platform, handle, asid)).toBe('INVALID_ASID');
  });
});

it('an ASID of its own is owned before the guest is active; one that is free finds it active', () => {
  const platform = prepared();
  const handle = launchGuest(platform);
  expect(activate(platform, handle, ASID)).toBe('ASID_OWNED');
  expect(activate(platform, handle, ASID + 1)).toBe('ACTIVE');
  expect(activate(platform, start(platform, 1), ASID)).toBe('ASID_OWNED');
});

it.each([0, 1025, 2])('handle %i names no guest', (handle) => {
  const platform = prepared();
  launchGuest(platform);
  expect(activate(platform, handle, ASID + 1)).toBe('INVALID_GUEST');
});

it('a pending guest does not run', () => {
  const platform = prepared();
  launchGuest(platform);
  const { host } = platform.machine;
  const guest = host.createGuest([]);
  expect(() => host.vmrun(guest, ASID, () => 0)).toThrow(VmrunRefused);
});

it.each([
  ['genoa-1.55', 'SUCCESS'],
  ['spec', 'DF_FLUSH_REQUIRED'],
] as const)('%s: the ASID of a guest that never ran, at once to another guest: %s', (profile, status) => {
  const platform = prepared(profile);
  const first = launchGuest(platform);
  const second = start(platform, 1);
  expect(deactivate(platform, first)).toBe('SUCCESS');
  expect(activate(platform, second, ASID)).toBe(status);
});

it('the ASID of a guest that ran needs WBINVD and DF_FLUSH', () => {
  const platform = prepared();
  const handle = running(platform);
  expect(deactivate(platform, handle)).toBe('SUCCESS');
  expect(deactivate(platform, handle)).toBe('INACTIVE');
  expect(activate(platform, handle, ASID)).toBe('DF_FLUSH_REQUIRED');
  expect(platform.bare('DF_FLUSH')).toBe('WBINVD_REQUIRED');
  expect(activate(platform, handle, ASID)).toBe('DF_FLUSH_REQUIRED');
  platform.machine.host.wbinvd();
  expect(platform.bare('DF_FLUSH')).toBe('SUCCESS');
  expect(activate(platform, handle, ASID)).toBe('SUCCESS');
});

it('on another ASID a guest finds its memory again; another guest does not', () => {
  const platform = prepared();
  const { memory } = platform.machine;
  const handle = launchGuest(platform);
  const bytes = new Uint8Array(64).fill(0x77);
  const paddr = platform.place(bytes);
  expectSuccess(platform.run('LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, { handle, paddr, length: 64 }).status);
  expect(deactivate(platform, handle)).toBe('SUCCESS');
  expect(activate(platform, handle, ASID + 1)).toBe('SUCCESS');
  expect(memory.readEncrypted(ASID + 1, paddr, 64)).toEqual(bytes);
  expect(activate(platform, start(platform, 1), ASID)).toBe('SUCCESS');
  expect(memory.readEncrypted(ASID, paddr, 64)).not.toEqual(bytes);
});

it('a guest goes when it has no ASID, and its handle is used again', () => {
  const platform = prepared();
  const handle = launchGuest(platform);
  expect(decommission(platform, handle)).toBe('ACTIVE');
  expect(deactivate(platform, handle)).toBe('SUCCESS');
  expect(decommission(platform, handle)).toBe('SUCCESS');
  expect([platform.sp.state.platform, platform.sp.state.guests.size]).toEqual(['INIT', 0]);
  expect(start(platform, 1)).toBe(handle);
});

it('LAUNCH_FINISH without an ASID: the guest runs as soon as it has one', () => {
  const platform = prepared();
  const handle = launchGuest(platform);
  measureGuest(platform, handle);
  expect(deactivate(platform, handle)).toBe('SUCCESS');
  expectSuccess(platform.run('LAUNCH_FINISH', HandleBuffer, { handle }).status);
  expect(activate(platform, handle, ASID)).toBe('SUCCESS');
  const { host } = platform.machine;
  expect(host.vmrun(host.createGuest([]), ASID, () => 'ran')).toBe('ran');
});

describe('ACTIVATE_EX', () => {
  const activateEx = (platform: Platform, handle: number, asid: number, numIds = 1) => {
    const idsPaddr = platform.place(new Uint8Array(4096));
    return platform.run('ACTIVATE_EX', ActivateExBuffer, { exLen: 0x18, handle, asid, numIds, idsPaddr })
      .status;
  };

  it('adds core complexes to a guest that has the ASID, and takes no other', () => {
    const platform = prepared();
    const handle = start(platform, 1);
    expect(activateEx(platform, handle, ASID)).toBe('SUCCESS');
    expect(activateEx(platform, handle, ASID)).toBe('SUCCESS');
    expect(platform.sp.guest(handle)).toMatchObject({ activation: 'pending', asid: ASID });
    expect(activateEx(platform, handle, ASID + 1)).toBe('ACTIVE');
    expect(activateEx(platform, start(platform, 1), ASID)).toBe('ASID_OWNED');
  });

  it('repeated for a guest that runs, it goes on running', () => {
    const platform = prepared();
    const handle = running(platform);
    expect(activateEx(platform, handle, ASID)).toBe('SUCCESS');
    expect(platform.sp.guest(handle).activation).toBe('active');
  });

  it.each([
    [0, 'INVALID_PARAM'],
    [1, 'SUCCESS'],
    [1024, 'SUCCESS'],
    [1025, 'INVALID_PARAM'],
  ] as const)('NUMIDS %i: %s', (numIds, status) => {
    const platform = prepared();
    expect(activateEx(platform, start(platform, 1), ASID, numIds)).toBe(status);
  });

  it('a wrong EX_LEN speaks before the handle', () => {
    const platform = prepared();
    launchGuest(platform);
    const cmd = { exLen: 0x14, handle: 99, asid: ASID, numIds: 1, idsPaddr: spa(0x8000n) };
    expect(platform.run('ACTIVATE_EX', ActivateExBuffer, cmd).status).toBe('INVALID_PARAM');
  });
});

describe('COPY', () => {
  const copy = (platform: Platform, handle: number, srcPaddr: Spa, dstPaddr: Spa, length: number) =>
    platform.run('COPY', CopyBuffer, { handle, length, srcPaddr, dstPaddr }).status;

  it('the guest reads the same in both places, the host does not', () => {
    const platform = prepared();
    const { memory } = platform.machine;
    const handle = launchGuest(platform);
    const bytes = Uint8Array.from({ length: 8192 }, (_, i) => (i * 3) & 0xff);
    const from = platform.place(bytes);
    const to = platform.place(new Uint8Array(8192));
    const update = { handle, paddr: from, length: 8192 };
    expectSuccess(platform.run('LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, update).status);
    expect(copy(platform, handle, from, to, 8192)).toBe('SUCCESS');
    expect(memory.readEncrypted(ASID, to, 8192)).toEqual(bytes);
    expect(memory.readEncrypted(ASID, from, 8192)).toEqual(bytes);
    expect(memory.read(to, 8192)).not.toEqual(memory.read(from, 8192));
  });

  it('a hole shows at the page that meets it', () => {
    const platform = prepared();
    const handle = launchGuest(platform);
    const from = platform.place(new Uint8Array(8192));
    const edge = spa(0x8000_0000n - 0x1000n);
    expect(copy(platform, handle, from, edge, 8192)).toBe('INVALID_CONFIG');
    const { memory } = platform.machine;
    expect(memory.read(edge, 4096)).not.toEqual(new Uint8Array(4096));
  });
});
