import { type Spa, spa } from '@sevlab/codec/address';
import {
  ActivateExBuffer,
  AttestationBuffer,
  CopyBuffer,
  DebugBuffer,
  LaunchSecretBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
} from '@sevlab/codec/sev/command';
import { POLICY } from '@sevlab/codec/sev/policy';
import { describe, expect, it } from 'vitest';
import { expectCascade } from '../../test/cascade.ts';
import {
  ASID,
  createPlatform,
  HOLE,
  initialise,
  launchGuest,
  measureGuest,
  type Platform,
  secretBuffer,
  startBuffer,
  UNUSABLE,
} from '../../test/platform.ts';
import { createGuest, type Guest, ZERO_CHANNEL } from '../guest.ts';
import type { ProfileName } from '../profile.ts';

const HANDLE = 3;
const LOW = 5; // below minSevAsid: for guests with SEV-ES only

/** A platform in INIT that knows no guest, and the guest that a row will give it. */
function prepare(change: Partial<Guest>, profile: ProfileName = 'genoa-1.55') {
  const platform = createPlatform(profile);
  initialise(platform);
  const guest: Guest = { ...createGuest(0, new Uint8Array(32), ZERO_CHANNEL), ...change };
  const { state, memory } = platform.sp;
  const toWorking = [
    'platform is WORKING',
    () => {
      state.platform = 'WORKING';
    },
  ] as const;
  const putGuest = ['HANDLE names a guest', () => state.guests.set(HANDLE, guest)] as const;
  const give = (asid: number) => () => {
    memory.installKey(asid, new Uint8Array(32));
    Object.assign(guest, { activation: 'pending', asid });
  };
  return { platform, state, guest, toWorking, putGuest, give };
}

/** The two rows of a range: an unusable address first, then a hole, then the right one. */
const addressRows = <T extends object>(field: string, cmd: T, key: keyof T, good: T[keyof T]) =>
  [
    [`${field} is a usable address`, () => Object.assign(cmd, { [key]: HOLE })],
    [`${field} lies in DRAM`, () => Object.assign(cmd, { [key]: good })],
  ] as const;

const switchOnEs = ({ sp: { state } }: Platform, enabled = true) =>
  Object.assign(state, { es: true, tmr: { paddr: spa(0x2000_0000n), enabled } });

describe('everything wrong at first, one repair per row', () => {
  it('ACTIVATE_EX', () => {
    const { platform, state, guest, toWorking, putGuest } = prepare({
      state: 'SENT',
      activation: 'pending',
      asid: 7,
    });
    const cmd = { exLen: 0x17, handle: HANDLE, asid: 0, numIds: 0, idsPaddr: UNUSABLE };
    state.asids[LOW] = 'inUse';
    expectCascade(platform, 'ACTIVATE_EX', ActivateExBuffer, cmd, [
      toWorking,
      ['EX_LEN is 0x18', () => Object.assign(cmd, { exLen: 0x18 })],
      putGuest,
      ['NUMIDS is 1 to 1024', () => Object.assign(cmd, { numIds: 1024 })],
      ...addressRows('IDS_PADDR', cmd, 'idsPaddr', platform.place(new Uint8Array(4096))),
      ['ASID is in range', () => Object.assign(cmd, { asid: LOW })],
      ['ASID has no other guest', () => Object.assign(state.asids, { [LOW]: 'dirty' })],
      ['guest has no other ASID', () => Object.assign(guest, { activation: 'inactive', asid: 0 })],
      ['guest is not SENT', () => Object.assign(guest, { state: 'LUPDATE' })],
      ['ASID is not dirty', () => Object.assign(state.asids, { [LOW]: 'clean' })],
      ['ASID is for guests with SEV-ES, or without, as this one', () => Object.assign(cmd, { asid: ASID })],
    ]);
    expect(guest).toMatchObject({ asid: ASID, activation: 'pending' });
  });

  it('COPY', () => {
    const { platform, toWorking, putGuest, give } = prepare({});
    const cmd = { handle: HANDLE, length: 0, srcPaddr: spa(0x8010n), dstPaddr: spa(0x9010n) };
    expectCascade(platform, 'COPY', CopyBuffer, cmd, [
      toWorking,
      putGuest,
      ['SRC_PADDR is 4 KiB aligned', () => Object.assign(cmd, { srcPaddr: spa(0x8000n) })],
      ['DST_PADDR is 4 KiB aligned', () => Object.assign(cmd, { dstPaddr: spa(0x9000n) })],
      ['LENGTH is not 0', () => Object.assign(cmd, { length: 4096 + 16 })],
      ['LENGTH is a multiple of 4096', () => Object.assign(cmd, { length: 4096 })],
      ['guest has an ASID', give(ASID)],
    ]);
  });

  it.each(['genoa-1.55', 'spec'] as const)('LAUNCH_UPDATE_VMSA, %s', (profile) => {
    const { platform, guest, toWorking, putGuest, give } = prepare({ state: 'LSECRET' }, profile);
    const cmd = { handle: HANDLE, paddr: spa(UNUSABLE + 8n), length: 2048 };
    const paged = profile === 'spec';
    const repairLength = () => Object.assign(cmd, { length: 4096 });
    expectCascade(platform, 'LAUNCH_UPDATE_VMSA', LaunchUpdateBuffer, cmd, [
      ['LENGTH is 0x1000, before anything else', paged ? 'silent' : repairLength],
      toWorking,
      putGuest,
      ['guest is in LUPDATE', () => Object.assign(guest, { state: 'LUPDATE' })],
      ['guest has SEV-ES', () => Object.assign(guest, { policy: POLICY.ES })],
      ['guest has an ASID', give(LOW)],
      ['PADDR is aligned, to 16 bytes or to 4 KiB', () => Object.assign(cmd, { paddr: UNUSABLE })],
      ['LENGTH is 0x1000', paged ? repairLength : 'silent'],
      ['PADDR is a usable address', () => Object.assign(cmd, { paddr: HOLE })],
      [
        'PADDR lies in DRAM',
        () => {
          Object.assign(cmd, { paddr: platform.place(new Uint8Array(4096)) });
          if (!paged) switchOnEs(platform);
        },
      ],
      ['a checksum cell is free, before anything is measured', paged ? () => switchOnEs(platform) : 'silent'],
    ]);
    expect(guest.vmsaCells).toEqual([0]);
  });

  it('ATTESTATION', () => {
    const { platform, guest, toWorking, putGuest } = prepare({ state: 'RUPDATE' });
    const cmd = { handle: HANDLE, paddr: UNUSABLE, mnonce: new Uint8Array(16), length: 0xcf };
    expectCascade(platform, 'ATTESTATION', AttestationBuffer, cmd, [
      toWorking,
      putGuest,
      ['guest is in LSECRET, RUNNING, SUPDATE or SENT', () => Object.assign(guest, { state: 'SENT' })],
      ['LENGTH suffices', () => Object.assign(cmd, { length: 0xd0 })],
      ...addressRows('PADDR', cmd, 'paddr', platform.place(new Uint8Array(0xd0))),
    ]);
  });

  it.each(['DBG_DECRYPT', 'DBG_ENCRYPT'] as const)('%s', (name) => {
    const { platform, guest, toWorking, putGuest, give } = prepare({ policy: POLICY.NODBG });
    const cmd = { handle: HANDLE, srcPaddr: spa(0x8008n), dstPaddr: spa(0x9008n), length: 8 };
    expectCascade(platform, name, DebugBuffer, cmd, [
      toWorking,
      ['SRC_PADDR is 16-byte aligned', () => Object.assign(cmd, { srcPaddr: spa(0x8000n) })],
      ['DST_PADDR is 16-byte aligned', () => Object.assign(cmd, { dstPaddr: spa(0x9000n) })],
      ['LENGTH is a multiple of 16', () => Object.assign(cmd, { length: 0 })],
      putGuest,
      ['policy allows debugging', () => Object.assign(guest, { policy: 0 })],
      ['guest has an ASID', give(ASID)],
      ['LENGTH is not 0', () => Object.assign(cmd, { length: 16 })],
    ]);
  });
});

describe('what only the profile of the specification does', () => {
  const specified = () => {
    const platform = createPlatform('spec');
    initialise(platform);
    return platform;
  };
  const start = (platform: Platform, policy: number) =>
    platform.run('LAUNCH_START', LaunchStartBuffer, {
      ...startBuffer(platform, policy),
      dhCertPaddr: spa(0n),
    }).status;

  it.each([
    [0x0000_ffc0, 'SUCCESS', 'POLICY_FAILURE'],
    [0xffff_0000, 'SUCCESS', 'POLICY_FAILURE'],
    [0x3701_0001, 'SUCCESS', 'SUCCESS'],
  ] as const)('policy 0x%s without a session', (policy, byFirmware, bySpecification) => {
    const platform = createPlatform();
    initialise(platform);
    expect([start(platform, policy), start(specified(), policy)]).toEqual([byFirmware, bySpecification]);
  });

  it('LAUNCH_SECRET takes a longer HDR_LEN, and no shorter one', () => {
    const platform = specified();
    const handle = launchGuest(platform);
    const { measure } = measureGuest(platform, handle);
    const { cmd } = secretBuffer(platform, handle, measure, new Uint8Array(16));
    const withLength = (hdrLen: number) =>
      platform.run('LAUNCH_SECRET', LaunchSecretBuffer, { ...cmd, hdrLen }).status;
    expect([0x33, 0x34, 0x40].map(withLength)).toEqual(['INVALID_LENGTH', 'SUCCESS', 'SUCCESS']);
  });

  it('a debug command of no bytes is INVALID_LENGTH', () => {
    const platform = specified();
    const handle = launchGuest(platform, 0);
    const cmd = { handle, srcPaddr: spa(0x8000n), dstPaddr: spa(0x9000n), length: 0 };
    expect(platform.run('DBG_DECRYPT', DebugBuffer, cmd).status).toBe('INVALID_LENGTH');
  });
});

it('a firmware that refuses launches without a session takes those with one', () => {
  const platform = createPlatform('genoa-1.55', 'test', { sessionless: 'refuse' });
  initialise(platform);
  const cmd = startBuffer(platform, 1);
  const start = (dhCertPaddr: Spa) =>
    platform.run('LAUNCH_START', LaunchStartBuffer, { ...cmd, dhCertPaddr }).status;
  expect([start(spa(0n)), start(cmd.dhCertPaddr)]).toEqual(['INVALID_ADDRESS', 'SUCCESS']);
});
