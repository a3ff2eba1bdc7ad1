import { readFileSync } from 'node:fs';
import { createObserver } from '@sevlab/ambient/observer';
import { type Spa, spa } from '@sevlab/codec/address';
import { concat, fromHex, toHex } from '@sevlab/codec/bytes';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  ActivateBuffer,
  DebugBuffer,
  HandleBuffer,
  InitBuffer,
  LaunchMeasureBuffer,
  LaunchSecretBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
} from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { POLICY } from '@sevlab/codec/sev/policy';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { VmrunRefused } from '@sevlab/machine/machine';
import { makeCertificate } from '@sevlab/sev-channel/certificate';
import { keyPairFromScalar } from '@sevlab/sev-channel/p384';
import { describe, expect, it, vi } from 'vitest';
import {
  createPlatform,
  expectSuccess,
  launchGuest,
  measureGuest,
  type Platform,
  startBuffer,
} from '../test/platform.ts';
import type { ProfileName } from './profile.ts';
import { VMSA_POOL_SIZE } from './vmsa-cells.ts';

/** The known answers of an independent model; provenance in that folder. */
const model = JSON.parse(
  readFileSync(new URL('../../sev-channel/test/vectors/model.json', import.meta.url), 'utf8'),
) as Record<'ecdh' | 'session' | 'measure' | 'secret', Record<string, string>>;

const ES_ASID = 5;
const TMR = spa(0x2000_0000n);
const POOL = spa(TMR + 0x8_0000n);
const VMSA = Uint8Array.from({ length: 4096 }, (_, i) => (7 * i) & 0xff);

/** A platform with SEV-ES, whose trusted memory region is in use. */
function createEsPlatform(profile: ProfileName = 'genoa-1.55'): Platform {
  const platform = createPlatform(profile);
  const cmd = { flags: 1, reserved02: 0, reserved04: 0, tmrPaddr: TMR, tmrLen: 0x10_0000 };
  expectSuccess(platform.run('INIT', InitBuffer, cmd).status);
  platform.machine.host.wbinvd();
  expectSuccess(platform.bare('DF_FLUSH'));
  return platform;
}

const launchEsGuest = (platform: Platform, policy: number = POLICY.ES) =>
  launchGuest(platform, policy, ES_ASID);

function update(
  platform: Platform,
  name: 'LAUNCH_UPDATE_DATA' | 'LAUNCH_UPDATE_VMSA',
  handle: number,
  bytes: Uint8Array,
  paddr: Spa = platform.place(bytes),
) {
  const { status } = platform.run(name, LaunchUpdateBuffer, { handle, paddr, length: bytes.length });
  return { paddr, status };
}

const digestOf = (platform: Platform, handle: number): string => {
  measureGuest(platform, handle);
  return toHex(platform.sp.guest(handle).launchDigest!);
};

const guestReads = ({ machine }: Platform, address: Spa, length: number) =>
  machine.memory.readEncrypted(ES_ASID, address, length);

it('launches with SEV-ES as an independent model does, from key agreement to secret', () => {
  const { ecdh, session, measure, secret } = model;
  const platform = createEsPlatform();
  const { sp } = platform;
  const pdh = keyPairFromScalar(fromHex(ecdh.pdh_priv!));
  sp.state.identity = { ...sp.identity, pdh: { ...sp.identity.pdh, key: pdh } };
  const agreement = { usage: KEY_USAGE.PDH, algo: KEY_ALGO.ECDH_SHA256, apiMajor: 0, apiMinor: 0 };
  const point = { x: fromHex(ecdh.godh_x!), y: fromHex(ecdh.godh_y!) };
  const started = platform.run('LAUNCH_START', LaunchStartBuffer, {
    handle: 0,
    policy: Number.parseInt(session.policy!, 16),
    dhCertPaddr: platform.place(SevCertificate.encode(makeCertificate({ ...agreement, point }))),
    dhCertLen: SevCertificate.size,
    sessionPaddr: platform.place(fromHex(session.blob!)),
    sessionLen: 0x80,
  });
  const { handle } = started.value;
  expect([started.status, handle]).toEqual(['SUCCESS', 1]);
  const guest = sp.guest(handle);
  expect(guest).toMatchObject({ state: 'LUPDATE', policy: 0x3701_0005 });
  expect([guest.channel.tek, guest.channel.tik].map(toHex)).toEqual([session.tek, session.tik]);

  expectSuccess(platform.run('ACTIVATE', ActivateBuffer, { handle, asid: ES_ASID }).status);
  expectSuccess(update(platform, 'LAUNCH_UPDATE_DATA', handle, new Uint8Array(4096).fill(0x41)).status);
  expectSuccess(update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA).status);
  const draw = vi.spyOn(sp.entropy, 'bytes').mockReturnValueOnce(fromHex(measure.mnonce!));
  const measured = measureGuest(platform, handle);
  draw.mockRestore();
  expect(toHex(guest.launchDigest!)).toBe(measure.launch_digest);
  expect(toHex(LaunchMeasurement.encode(measured))).toBe(measure.output48);

  const data = fromHex(secret.ciphertext!);
  const guestPaddr = platform.place(new Uint8Array(4096));
  const injected = platform.run('LAUNCH_SECRET', LaunchSecretBuffer, {
    handle,
    hdrPaddr: platform.place(fromHex(secret.header52!)),
    hdrLen: PacketHeader.size,
    guestPaddr,
    guestLen: data.length,
    transPaddr: platform.place(data),
    transLen: data.length,
  });
  expect(injected.status).toBe('SUCCESS');
  expect(toHex(guestReads(platform, guestPaddr, data.length))).toBe(secret.plaintext);
});

it.each([
  ['SEV-ES is off', false, 'UNSUPPORTED'],
  ['SEV-ES is on', true, 'SUCCESS'],
] as const)('LAUNCH_START of a guest with SEV-ES where %s', (_, es, status) => {
  const platform = createEsPlatform();
  platform.sp.state.es = es;
  const started = platform.run('LAUNCH_START', LaunchStartBuffer, startBuffer(platform, POLICY.ES));
  expect(started.status).toBe(status);
  expect(platform.sp.state.guests.size).toBe(es ? 1 : 0);
});

describe('LAUNCH_UPDATE_VMSA', () => {
  it('measures the page as it is, and gives the guest one with the place of its checksum', () => {
    const platform = createEsPlatform();
    const handle = launchEsGuest(platform);
    const { paddr, status } = update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA);
    expect(status).toBe('SUCCESS');
    const place = concat(new Uint8Array(8), Uint8Array.of(0, 0, 8, 0x20, 0, 0, 0, 0)); // POOL
    expect(guestReads(platform, paddr, 4096)).toEqual(
      concat(VMSA.subarray(0, 0x380), place, VMSA.subarray(0x390)),
    );
    expect(platform.sp.memory.read(POOL, 8)).not.toEqual(new Uint8Array(8));
  });

  it('measures no type: as data the same page has the same digest, also where the checksum goes', () => {
    const digests = (['LAUNCH_UPDATE_VMSA', 'LAUNCH_UPDATE_DATA'] as const).map((name) => {
      const platform = createEsPlatform();
      const handle = launchEsGuest(platform);
      expectSuccess(update(platform, name, handle, VMSA).status);
      return digestOf(platform, handle);
    });
    expect(digests[0]).toBe(digests[1]);
    const platform = createEsPlatform();
    const handle = launchEsGuest(platform);
    update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA.with(0x38f, 0));
    expect(digestOf(platform, handle)).not.toBe(digests[0]);
  });

  it('gives each VMSA the lowest free cell; those of a guest that is gone are free', () => {
    const platform = createEsPlatform();
    const { sp } = platform;
    const first = launchGuest(platform, POLICY.ES, 5);
    const second = launchGuest(platform, POLICY.ES, 6);
    for (const handle of [first, first, second]) update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA);
    expect([sp.guest(first).vmsaCells, sp.guest(second).vmsaCells]).toEqual([[0, 1], [2]]);
    expectSuccess(platform.run('DEACTIVATE', HandleBuffer, { handle: first }).status);
    expectSuccess(platform.run('DECOMMISSION', HandleBuffer, { handle: first }).status);
    expect(sp.state.vmsaCells).toBe(1);
    update(platform, 'LAUNCH_UPDATE_VMSA', second, VMSA);
    expect([sp.guest(second).vmsaCells, sp.state.vmsaCells]).toEqual([[2, 0], 2]);
  });

  it.each([
    ['genoa-1.55', 'all cells are in use', true],
    ['genoa-1.55', 'DF_FLUSH did not run', true],
    ['spec', 'all cells are in use', false],
    ['spec', 'DF_FLUSH did not run', false],
  ] as const)('%s, %s: RESOURCE_LIMIT, and whether it is measured nevertheless', (profile, why, measured) => {
    const platform = createEsPlatform(profile);
    const { state } = platform.sp;
    if (why === 'DF_FLUSH did not run') state.tmr = { paddr: TMR, enabled: false };
    else state.vmsaCells = VMSA_POOL_SIZE;
    const handle = launchEsGuest(platform);
    const { paddr, status } = update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA);
    expect(status).toBe('RESOURCE_LIMIT');
    expect(platform.machine.host.memory.read(paddr, 4096)).toEqual(VMSA);
    const other = createEsPlatform();
    const empty = launchEsGuest(other);
    expect(digestOf(platform, handle) === digestOf(other, empty)).toBe(!measured);
  });

  it('in a fork takes cells that the original still has free', () => {
    const platform = createEsPlatform();
    const handle = launchEsGuest(platform);
    const fork = platform.sp.fork(platform.machine.fork(createObserver()).secureProcessor);
    update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA);
    expect([platform.sp.guest(handle).vmsaCells, fork.guest(handle).vmsaCells]).toEqual([[0], []]);
    expect([platform.sp.state.vmsaCells, fork.state.vmsaCells]).toEqual([1, 0]);
  });

  it('takes the last cell', () => {
    const platform = createEsPlatform();
    platform.sp.state.vmsaCells = VMSA_POOL_SIZE - 1;
    const handle = launchEsGuest(platform);
    expect(update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA).status).toBe('SUCCESS');
    expect(update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA).status).toBe('RESOURCE_LIMIT');
  });

  it.each([
    ['genoa-1.55', 'SUCCESS'],
    ['spec', 'INVALID_ADDRESS'],
  ] as const)('%s: 16 bytes behind a page boundary is %s', (profile, status) => {
    const platform = createEsPlatform(profile);
    const handle = launchEsGuest(platform);
    const paddr = spa(platform.place(new Uint8Array(0), 0x3000) + 16n);
    expect(update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA, paddr).status).toBe(status);
  });

  it.each([
    ['genoa-1.55', 'INVALID_LENGTH'],
    ['spec', 'INVALID_PLATFORM_STATE'],
  ] as const)('%s: a wrong length in UNINIT is %s', (profile, status) => {
    const platform = createPlatform(profile);
    expect(update(platform, 'LAUNCH_UPDATE_VMSA', 1, new Uint8Array(2048)).status).toBe(status);
  });

  it.each(['LUPDATE', 'LSECRET'] as const)('for a guest without SEV-ES in %s', (state) => {
    const platform = createEsPlatform();
    const handle = launchGuest(platform);
    Object.assign(platform.sp.guest(handle), { state });
    const expected = state === 'LUPDATE' ? 'UNSUPPORTED' : 'INVALID_GUEST_STATE';
    expect(update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA).status).toBe(expected);
  });
});

describe('VMRUN', () => {
  /** A guest with one VMSA, in RUNNING; `before` runs in LSECRET. */
  function running(before: (platform: Platform, handle: number, vmsa: Spa) => void = () => {}) {
    const platform = createEsPlatform();
    const handle = launchEsGuest(platform);
    const { paddr } = update(platform, 'LAUNCH_UPDATE_VMSA', handle, VMSA);
    measureGuest(platform, handle);
    before(platform, handle, paddr);
    expectSuccess(platform.run('LAUNCH_FINISH', HandleBuffer, { handle }).status);
    const { host } = platform.machine;
    const guest = host.createGuest([]);
    return { platform, handle, paddr, run: () => host.vmrun(guest, ES_ASID, () => 'ran', paddr) };
  }

  it('takes what LAUNCH_UPDATE_VMSA left', () => {
    const { run } = running();
    expect(run()).toBe('ran');
  });

  it('refuses a VMSA that the host changed', () => {
    const { platform, paddr, run } = running();
    platform.machine.host.memory.write(spa(paddr + 0x170n), new Uint8Array(16));
    expect(run).toThrow(VmrunRefused);
  });

  it('refuses a VMSA over which the AMD-SP itself wrote', () => {
    const { run } = running((platform, handle, dstPaddr) => {
      const srcPaddr = platform.place(new Uint8Array(32));
      const cmd = { handle, srcPaddr, dstPaddr, length: 32 };
      expectSuccess(platform.run('DBG_ENCRYPT', DebugBuffer, cmd).status);
    });
    expect(run).toThrow(VmrunRefused);
  });
});

it('a guest with SEV-ES and without a VMSA may finish', () => {
  const platform = createEsPlatform();
  const handle = launchEsGuest(platform);
  const cmd = { handle, measurePaddr: platform.place(new Uint8Array(48)), measureLen: 48 };
  expect(platform.run('LAUNCH_MEASURE', LaunchMeasureBuffer, cmd).status).toBe('SUCCESS');
  expect(platform.run('LAUNCH_FINISH', HandleBuffer, { handle }).status).toBe('SUCCESS');
});
