import { spa } from '@sevlab/codec/address';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  ActivateBuffer,
  GuestStatusBuffer,
  HandleBuffer,
  LaunchMeasureBuffer,
  LaunchSecretBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
  PdhCertExportBuffer,
} from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { policyMac } from '@sevlab/sev-channel/session';
import { describe, expect, it } from 'vitest';
import { expectCascade } from '../../test/cascade.ts';
import {
  ASID,
  createPlatform,
  HOLE,
  initialise,
  launchGuest,
  makeOffer,
  measureGuest,
  type Platform,
  secretBuffer,
  startBuffer,
  TIK,
  UNUSABLE,
} from '../../test/platform.ts';
import { createGuest, type Guest, ZERO_CHANNEL } from '../guest.ts';
import { LAUNCH_SECRET } from './launch-secret.ts';

/** Three rows of `reachable`: an unusable address, then a hole, then the right one. */
const addressRows = <T>(field: string, cmd: T, key: keyof T, good: T[keyof T]) =>
  [
    [`${field} is a usable address`, () => Object.assign(cmd as object, { [key]: HOLE })],
    [`${field} lies in DRAM`, () => Object.assign(cmd as object, { [key]: good })],
  ] as const;

const setPlatform = (platform: Platform, state: Platform['sp']['state']['platform']) => {
  platform.sp.state.platform = state;
};

describe('everything wrong at first, one repair per row', () => {
  it('PDH_CERT_EXPORT', () => {
    const platform = createPlatform();
    const certsPaddr = platform.place(new Uint8Array(0x2000));
    const cmd = { pdhPaddr: UNUSABLE, pdhLen: 0x823, certsPaddr, certsLen: 0x186b };
    expectCascade(platform, 'PDH_CERT_EXPORT', PdhCertExportBuffer, cmd, [
      ['platform is INIT or WORKING', () => initialise(platform)],
      ['PDH_LEN and CERTS_LEN suffice', () => Object.assign(cmd, { pdhLen: 0x824, certsLen: 0x186c })],
      ...addressRows('PDH_PADDR', cmd, 'pdhPaddr', platform.place(new Uint8Array(0x1000))),
    ]);
  });

  it('ACTIVATE', () => {
    const platform = createPlatform();
    platform.machine.host.wbinvd();
    const { sp } = platform;
    const guest: Guest = {
      ...createGuest(0, new Uint8Array(32), ZERO_CHANNEL),
      state: 'SENT',
      activation: 'pending',
      asid: 7,
    };
    const cmd = { handle: 9, asid: 0 };
    const low = 5; // below minSevAsid: for SEV-ES guests only
    sp.state.asids[low] = 'inUse';
    expectCascade(platform, 'ACTIVATE', ActivateBuffer, cmd, [
      ['platform is WORKING', () => setPlatform(platform, 'WORKING')],
      ['HANDLE names a guest', () => sp.state.guests.set(9, guest)],
      ['ASID is in range', () => Object.assign(cmd, { asid: low })],
      ['ASID has no guest', () => Object.assign(sp.state.asids, { [low]: 'dirty' })],
      ['guest has no ASID', () => Object.assign(guest, { activation: 'inactive', asid: 0 })],
      ['guest is not SENT', () => Object.assign(guest, { state: 'LUPDATE' })],
      ['ASID is not dirty', () => Object.assign(sp.state.asids, { [low]: 'clean' })],
      [
        'ASID is for guests with SEV-ES, or without, as this one',
        () => Object.assign(cmd, { asid: ASID }) && Object.assign(sp.state.asids, { [ASID]: 'clean' }),
      ],
    ]);
    expect(guest).toMatchObject({ asid: ASID, activation: 'pending' });
  });

  it.each([
    ['DEACTIVATE', 'guest has an ASID', { activation: 'pending', asid: ASID }],
    ['DECOMMISSION', 'guest has no ASID', { activation: 'inactive', asid: 0 }],
    ['LAUNCH_FINISH', 'guest is in LSECRET', { state: 'LSECRET' }],
  ] as const)('%s', (name, lastRow, repaired) => {
    const platform = createPlatform();
    const wrong = name === 'DECOMMISSION' ? ({ activation: 'active', asid: ASID } as const) : {};
    const guest: Guest = { ...createGuest(0, new Uint8Array(32), ZERO_CHANNEL), ...wrong };
    expectCascade(platform, name, HandleBuffer, { handle: 3 }, [
      ['platform is WORKING', () => setPlatform(platform, 'WORKING')],
      ['HANDLE names a guest', () => platform.sp.state.guests.set(3, guest)],
      [lastRow, () => Object.assign(guest, repaired)],
    ]);
  });

  it('GUEST_STATUS', () => {
    const platform = createPlatform();
    expectCascade(platform, 'GUEST_STATUS', GuestStatusBuffer, { handle: 1, policy: 0, asid: 0, state: 0 }, [
      ['platform is INIT or WORKING', () => setPlatform(platform, 'INIT')],
    ]);
  });

  it('LAUNCH_START', () => {
    const platform = createPlatform();
    const { sp } = platform;
    const policy = 0xff00_0047; // API 0.255 is below 1.55; see the version row, which gets its own policy
    initialise(platform);
    setPlatform(platform, 'UNINIT');
    const cmd = {
      handle: 77,
      policy,
      dhCertPaddr: UNUSABLE,
      dhCertLen: 0x823,
      sessionPaddr: UNUSABLE,
      sessionLen: 0x7f,
    };
    let certificate: SevCertificate = {
      ...makeOffer(platform, policy).certificate,
      version: 2,
      pubkeyUsage: 0x42,
      pubkeyAlgo: 0x103,
    };
    let session = makeOffer(platform, policy).session;
    const goodKey = certificate.pubkey;
    certificate = {
      ...certificate,
      pubkey: certificate.pubkey.map((byte, i) => (i === 0x4c ? byte ^ 1 : byte)),
    };
    session = { ...session, wrapMac: new Uint8Array(32), policyMac: new Uint8Array(32) };
    const putCertificate = (change: Partial<SevCertificate> = {}) => {
      certificate = { ...certificate, ...change };
      cmd.dhCertPaddr = platform.place(SevCertificate.encode(certificate));
    };
    const putSession = (change: Partial<LaunchSession> = {}) => {
      session = { ...session, ...change };
      cmd.sessionPaddr = platform.place(LaunchSession.encode(session));
    };
    const usePolicy = (value: number) => {
      cmd.policy = value;
      putSession({ policyMac: policyMac(TIK, value) });
    };
    const shared = createGuest(0x0000_0001, new Uint8Array(32), ZERO_CHANNEL);
    expectCascade(platform, 'LAUNCH_START', LaunchStartBuffer, cmd, [
      ['platform is INIT or WORKING', () => setPlatform(platform, 'INIT')],
      ['there is a session, or none is needed', 'silent'],
      ['SESSION_LEN is 0x80', () => Object.assign(cmd, { sessionLen: 0x80 })],
      ['SESSION_PADDR is a usable address', () => Object.assign(cmd, { sessionPaddr: HOLE })],
      ['SESSION_PADDR lies in DRAM', () => putSession()],
      ['DH_CERT_LEN is 0x824', () => Object.assign(cmd, { dhCertLen: 0x824 })],
      ['DH_CERT_PADDR is a usable address', () => Object.assign(cmd, { dhCertPaddr: HOLE })],
      ['DH_CERT_PADDR lies in DRAM', () => putCertificate()],
      ['certificate VERSION is 1', () => putCertificate({ version: 1 })],
      ['certificate usage is known', () => putCertificate({ pubkeyUsage: 0x1002 })],
      ['public key is a point of P-384', () => putCertificate({ pubkey: goodKey })],
      ['certificate usage is PDH', () => putCertificate({ pubkeyUsage: 0x1003 })],
      ['certificate algorithm is ECDH-SHA256', () => putCertificate({ pubkeyAlgo: 3 })],
      ['WRAP_MAC matches', () => putSession({ wrapMac: makeOffer(platform, policy).session.wrapMac })],
      ['POLICY_MAC matches', () => usePolicy(0x3801_0047)], // API 1.56: one newer than the firmware
      ['firmware is as new as the policy asks', () => usePolicy(0x3701_0047)],
      ['policy bits 15:6 are zero', () => usePolicy(0x3701_0007)],
      ['HANDLE is 0 or names a guest', () => sp.state.guests.set(77, shared)],
      ['a shared key has the same policy', () => sp.state.guests.set(77, { ...shared, policy: 0x3701_0007 })],
      [
        'a shared key may be shared',
        () => {
          for (let handle = 1; handle <= 1024; handle++)
            sp.state.guests.set(handle, { ...shared, policy: 0x3701_0005 });
          usePolicy(0x3701_0005);
        },
      ],
      ['a handle is free', () => sp.state.guests.delete(5)],
      [
        'SEV-ES is on if the policy asks for it',
        () => {
          sp.state.guests.set(77, { ...shared, policy: 0x3701_0001 });
          usePolicy(0x3701_0001);
        },
      ],
    ]);
    expect(sp.guest(5)).toMatchObject({ state: 'LUPDATE', policy: 0x3701_0001, vekSeed: shared.vekSeed });
  });

  it('LAUNCH_UPDATE_DATA', () => {
    const platform = createPlatform();
    const { sp } = platform;
    const guest: Guest = { ...createGuest(0, new Uint8Array(32), ZERO_CHANNEL), state: 'LSECRET' };
    const cmd = { handle: 1, paddr: spa(8n), length: 0 };
    expectCascade(platform, 'LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, cmd, [
      ['platform is WORKING', () => setPlatform(platform, 'WORKING')],
      ['HANDLE names a guest', () => sp.state.guests.set(1, guest)],
      ['guest is in LUPDATE', () => Object.assign(guest, { state: 'LUPDATE' })],
      [
        'guest has an ASID',
        () =>
          Object.assign(guest, { activation: 'pending', asid: ASID }) &&
          sp.memory.installKey(ASID, new Uint8Array(32)),
      ],
      ['PADDR is 16-byte aligned', () => Object.assign(cmd, { paddr: spa(0x1_0000_0000n) })],
      ['LENGTH is not 0', () => Object.assign(cmd, { length: 24 })],
      ['LENGTH is a multiple of 16', () => Object.assign(cmd, { length: 32 })],
    ]);
  });

  it('LAUNCH_MEASURE', () => {
    const platform = createPlatform();
    const { sp } = platform;
    const guest: Guest = { ...createGuest(0, new Uint8Array(32), ZERO_CHANNEL), state: 'RUNNING' };
    const cmd = { handle: 1, measurePaddr: platform.place(new Uint8Array(48)), measureLen: 0x2f };
    expectCascade(platform, 'LAUNCH_MEASURE', LaunchMeasureBuffer, cmd, [
      ['platform is WORKING', () => setPlatform(platform, 'WORKING')],
      ['HANDLE names a guest', () => sp.state.guests.set(1, guest)],
      ['guest is in LUPDATE', () => Object.assign(guest, { state: 'LUPDATE' })],
      ['MEASURE_LEN suffices', () => Object.assign(cmd, { measureLen: 0x30 })],
    ]);
  });

  it('LAUNCH_SECRET', () => {
    const platform = createPlatform();
    const { sp } = platform;
    initialise(platform);
    const handle = launchGuest(platform);
    const { measure } = measureGuest(platform, handle);
    const good = secretBuffer(platform, handle, measure, new Uint8Array(64).fill(0x5a));
    const compressed = secretBuffer(platform, handle, measure, new Uint8Array(64).fill(0x5a), { flags: 1 });
    const forged = platform.place(PacketHeader.encode({ ...good.header, flags: 1 }));
    const guest = sp.guest(handle);
    Object.assign(guest, { state: 'LUPDATE', activation: 'inactive' });
    setPlatform(platform, 'INIT');
    const cmd = {
      handle: 1000,
      hdrPaddr: UNUSABLE,
      hdrLen: 0x33,
      guestPaddr: spa(UNUSABLE + 8n),
      guestLen: 0,
      transPaddr: UNUSABLE,
      transLen: 16,
    };
    expectCascade(platform, 'LAUNCH_SECRET', LaunchSecretBuffer, cmd, [
      ['platform is WORKING', () => setPlatform(platform, 'WORKING')],
      ['HANDLE names a guest', () => Object.assign(cmd, { handle })],
      ['GUEST_PADDR is 16-byte aligned', () => Object.assign(cmd, { guestPaddr: UNUSABLE })],
      ['HDR_LEN is 0x34', () => Object.assign(cmd, { hdrLen: 0x34 })],
      ['GUEST_LEN is not 0', () => Object.assign(cmd, { guestLen: 20_001 })],
      ['GUEST_LEN is a multiple of 16', () => Object.assign(cmd, { guestLen: 16_400 })],
      ['GUEST_LEN is within the limit', () => Object.assign(cmd, { guestLen: 64 })],
      ['TRANS_LEN equals GUEST_LEN', () => Object.assign(cmd, { transLen: 64 })],
      ['guest is in LSECRET', () => Object.assign(guest, { state: 'LSECRET' })],
      ['guest has an ASID', () => Object.assign(guest, { activation: 'pending' })],
      ...addressRows('HDR_PADDR', cmd, 'hdrPaddr', forged),
      ...addressRows('GUEST_PADDR', cmd, 'guestPaddr', good.cmd.guestPaddr),
      ...addressRows('TRANS_PADDR', cmd, 'transPaddr', good.cmd.transPaddr),
      [
        'MAC matches',
        () =>
          Object.assign(cmd, { hdrPaddr: compressed.cmd.hdrPaddr, transPaddr: compressed.cmd.transPaddr }),
      ],
      [
        'packet is not COMPRESSED',
        () => Object.assign(cmd, { hdrPaddr: good.cmd.hdrPaddr, transPaddr: good.cmd.transPaddr }),
      ],
    ]);
  });

  it('HDR_LEN one too long is refused too', () => {
    const rows = LAUNCH_SECRET.checks.map(({ condition }) => condition);
    expect(rows.indexOf('GUEST_PADDR is 16-byte aligned')).toBeLessThan(rows.indexOf('guest is in LSECRET'));
    const platform = createPlatform();
    initialise(platform);
    const handle = launchGuest(platform);
    const { measure } = measureGuest(platform, handle);
    const { cmd } = secretBuffer(platform, handle, measure, new Uint8Array(16));
    expect(platform.run('LAUNCH_SECRET', LaunchSecretBuffer, { ...cmd, hdrLen: 0x35 }).status).toBe(
      'INVALID_LENGTH',
    );
    expect(
      platform.run('LAUNCH_START', LaunchStartBuffer, { ...startBuffer(platform, 1), sessionLen: 0x81 })
        .status,
    ).toBe('INVALID_LENGTH');
  });
});
