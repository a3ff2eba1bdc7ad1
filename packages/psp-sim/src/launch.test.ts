import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Spa, spa } from '@sevlab/codec/address';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  HandleBuffer,
  LaunchSecretBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
} from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { certificateBody, encodePoint } from '@sevlab/sev-channel/certificate';
import { toBigEndian } from '@sevlab/sev-channel/integer';
import { verifyEcdsa } from '@sevlab/sev-channel/p384';
import { wrapSession } from '@sevlab/sev-channel/session';
import { describe, expect, it } from 'vitest';
import {
  ASID,
  createPlatform,
  initialise,
  launchGuest,
  makeOffer,
  measureGuest,
  type Platform,
  secretBuffer,
} from '../test/platform.ts';
import type { FirmwareProfile } from './profile.ts';

/** The known answers of an independent model; provenance in that folder. */
const model = JSON.parse(
  readFileSync(new URL('../../sev-channel/test/vectors/model.json', import.meta.url), 'utf8'),
) as Record<'session' | 'measure' | 'secret' | 'secret_ctr_wrap', Record<string, string>>;

/** What a guest reads there. */
const guestReads = ({ machine }: Platform, address: Spa, length: number) =>
  machine.memory.readEncrypted(ASID, address, length);

const updateData = (platform: Platform, handle: number, bytes: Uint8Array, paddr = platform.place(bytes)) => {
  platform.machine.host.memory.write(paddr, bytes);
  return {
    paddr,
    ...platform.run('LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, { handle, paddr, length: bytes.length }),
  };
};

describe('a launch against known answers', () => {
  it('digests what an independent model digests, whatever the pieces are', () => {
    const platform = createPlatform();
    initialise(platform);
    const handle = launchGuest(platform);
    const data = new Uint8Array(4096).fill(0x41);
    updateData(platform, handle, data.subarray(0, 1024));
    updateData(platform, handle, data.subarray(1024));
    updateData(
      platform,
      handle,
      Uint8Array.from({ length: 4096 }, (_, i) => (7 * i) & 0xff),
    );
    measureGuest(platform, handle);
    expect(toHex(platform.sp.guest(handle).launchDigest!)).toBe(model.measure.launch_digest);
  });

  it.each([
    ['a secret table', model.secret],
    ['data whose counter block wraps', model.secret_ctr_wrap],
  ])('opens a packet that others sealed: %s', (_, known) => {
    const platform = createPlatform();
    initialise(platform);
    const handle = launchGuest(platform);
    measureGuest(platform, handle);
    const guest = platform.sp.guest(handle);
    Object.assign(guest, {
      channel: { tek: fromHex(model.session.tek!), tik: fromHex(model.session.tik!) },
      measure: fromHex(model.measure.measure!),
    });
    const data = fromHex(known.ciphertext!);
    const guestPaddr = platform.place(new Uint8Array(0), 4096);
    const cmd = {
      handle,
      hdrPaddr: platform.place(fromHex(known.header52!)),
      hdrLen: PacketHeader.size,
      guestPaddr,
      guestLen: data.length,
      transPaddr: platform.place(data),
      transLen: data.length,
    };
    expect(platform.run('LAUNCH_SECRET', LaunchSecretBuffer, cmd).status).toBe('SUCCESS');
    expect(toHex(guestReads(platform, guestPaddr, data.length))).toBe(known.plaintext);
  });
});

describe('LAUNCH_UPDATE_DATA', () => {
  it('encrypts in place what it measures', () => {
    const platform = createPlatform();
    initialise(platform);
    const handle = launchGuest(platform);
    const data = Uint8Array.from({ length: 0x5000 * 2 + 32 }, (_, i) => i & 0xff);
    const { paddr } = updateData(platform, handle, data);
    expect(guestReads(platform, paddr, data.length)).toEqual(data);
    expect(platform.machine.host.memory.read(paddr, 64)).not.toEqual(data.subarray(0, 64));
  });

  it('keeps what lies before an address that is not there', () => {
    const platform = createPlatform();
    initialise(platform);
    const handle = launchGuest(platform);
    const paddr = spa(0x8000_0000n - 0x5000n); // the last piece of memory below the 32-bit hole
    const { status } = updateData(platform, handle, new Uint8Array(0x5000 + 16).fill(0x41), paddr);
    expect(status).toBe('INVALID_CONFIG');
    expect(guestReads(platform, paddr, 16)).toEqual(new Uint8Array(16).fill(0x41));
    expect(platform.sp.guest(handle).state).toBe('LUPDATE');
  });
});

describe('LAUNCH_SECRET', () => {
  const waiting = (profile: Parameters<typeof createPlatform>[0] = 'genoa-1.55') => {
    const platform = createPlatform(profile);
    initialise(platform);
    const handle = launchGuest(platform);
    const { measure } = measureGuest(platform, handle);
    return { platform, handle, measure };
  };

  it.each([
    [16, 'SUCCESS'],
    [16_384, 'SUCCESS'],
    [16_400, 'INVALID_LENGTH'],
    [20_496, 'INVALID_LENGTH'],
  ] as const)('of %i bytes answers %s', (length, status) => {
    const { platform, handle, measure } = waiting();
    const { cmd } = secretBuffer(platform, handle, measure, new Uint8Array(length).fill(1));
    expect(platform.run('LAUNCH_SECRET', LaunchSecretBuffer, cmd).status).toBe(status);
  });

  it('takes no notice of the C-bit of an address: the guest reads the secret where the host meant it', () => {
    const { platform, handle, measure } = waiting();
    const secret = new Uint8Array(32).fill(1);
    const { cmd } = secretBuffer(platform, handle, measure, secret);
    const withCBit = (address: Spa) => spa(address | (1n << 51n));
    const { hdrPaddr, guestPaddr, transPaddr } = cmd;
    const marked = {
      ...cmd,
      hdrPaddr: withCBit(hdrPaddr),
      guestPaddr: withCBit(guestPaddr),
      transPaddr: withCBit(transPaddr),
    };
    expect(platform.run('LAUNCH_SECRET', LaunchSecretBuffer, marked).status).toBe('SUCCESS');
    expect(guestReads(platform, guestPaddr, 32)).toEqual(secret);
  });

  it('with a wrong MAC writes nothing and locks nobody out', () => {
    const { platform, handle, measure } = waiting();
    const { cmd, header } = secretBuffer(platform, handle, measure, new Uint8Array(32).fill(1));
    const forged = {
      ...cmd,
      hdrPaddr: platform.place(PacketHeader.encode({ ...header, mac: header.mac.map((b) => b ^ 1) })),
    };
    const before = platform.machine.host.memory.read(cmd.guestPaddr, 32);
    expect(platform.run('LAUNCH_SECRET', LaunchSecretBuffer, forged).status).toBe('BAD_MEASUREMENT');
    expect(platform.machine.host.memory.read(cmd.guestPaddr, 32)).toEqual(before);
    expect(platform.run('LAUNCH_SECRET', LaunchSecretBuffer, cmd).status).toBe('SUCCESS');
  });

  it('is bound to its launch since API 0.17, and was not before', () => {
    for (const [profile, bound, status] of [
      ['genoa-1.55', false, 'BAD_MEASUREMENT'],
      ['genoa-1.55', true, 'SUCCESS'],
      ['api-0.16', false, 'SUCCESS'],
      ['api-0.16', true, 'BAD_MEASUREMENT'],
    ] as const) {
      const { platform, handle, measure } = waiting(profile);
      const { cmd } = secretBuffer(platform, handle, bound ? measure : undefined, new Uint8Array(16));
      expect(platform.run('LAUNCH_SECRET', LaunchSecretBuffer, cmd).status).toBe(status);
    }
  });

  it('after LAUNCH_FINISH is refused: the channel is gone', () => {
    const { platform, handle, measure } = waiting();
    const { cmd } = secretBuffer(platform, handle, measure, new Uint8Array(16));
    const { launchDigest } = platform.sp.guest(handle);
    expect(platform.run('LAUNCH_FINISH', HandleBuffer, { handle }).status).toBe('SUCCESS');
    expect(platform.run('LAUNCH_SECRET', LaunchSecretBuffer, cmd).status).toBe('INVALID_GUEST_STATE');
    const { channel, measure: kept, runningDigest, launchDigest: same } = platform.sp.guest(handle);
    expect(channel).toEqual({ tek: new Uint8Array(16), tik: new Uint8Array(16) });
    expect(kept).toBeUndefined();
    expect(runningDigest.digest('hex')).toBe(createHash('sha256').digest('hex'));
    expect(same).toEqual(launchDigest);
    expect(same).toHaveLength(32);
  });
});

describe('the identity', () => {
  it('is signed link by link, and another chip has another', () => {
    const platform = createPlatform();
    initialise(platform);
    const { identity, cek } = platform.sp;
    const signatureOf = (sig: Uint8Array) => ({
      r: sig.slice(0, 48).reverse(),
      s: sig.slice(72, 120).reverse(),
    });
    for (const [child, slot, parent] of [
      [identity.oca, 'sig1', identity.oca.key!],
      [identity.pek, 'sig1', identity.oca.key!],
      [identity.pek, 'sig2', cek.key],
      [identity.pdh, 'sig1', identity.pek.key],
    ] as const) {
      const { certificate } = child;
      expect(verifyEcdsa(parent, certificateBody(certificate), signatureOf(certificate[slot]))).toBe(true);
    }
    expect(cek.certificate).toMatchObject({ sig1Usage: 0x1000, sig1Algo: 0, sig2Usage: 0x1000, sig2Algo: 0 });
  });

  it('survives SHUTDOWN; PDH_GEN changes the PDH alone, and no guest', () => {
    const platform = createPlatform();
    initialise(platform);
    const first = platform.sp.identity;
    const handle = launchGuest(platform);
    const { measure } = measureGuest(platform, handle);
    const { cmd } = secretBuffer(platform, handle, measure, new Uint8Array(16));
    expect(platform.bare('PDH_GEN')).toBe('SUCCESS');
    expect(platform.sp.identity.pek).toBe(first.pek);
    expect(platform.sp.identity.pdh).not.toEqual(first.pdh);
    expect(platform.run('LAUNCH_SECRET', LaunchSecretBuffer, cmd).status).toBe('SUCCESS');
    const kept = platform.sp.identity;
    expect(platform.bare('SHUTDOWN')).toBe('SUCCESS');
    initialise(platform);
    expect(platform.sp.identity).toBe(kept);
    expect(platform.sp.state.guests.size).toBe(0);
  });
});

describe('a launch without a session', () => {
  const without = {
    handle: 0,
    policy: 0,
    dhCertPaddr: spa(0n),
    dhCertLen: 0,
    sessionPaddr: spa(0n),
    sessionLen: 0,
  };
  const start = (switches: Partial<FirmwareProfile>, policy = 0) => {
    const platform = createPlatform('genoa-1.55', 'test', switches);
    initialise(platform);
    const { status } = platform.run('LAUNCH_START', LaunchStartBuffer, { ...without, policy });
    return { status, channel: platform.sp.state.guests.get(1)?.channel };
  };

  it('has keys of zeros, random keys, or is refused', () => {
    const zero = new Uint8Array(16);
    expect(start({ sessionless: 'zeroKeys' })).toEqual({
      status: 'SUCCESS',
      channel: { tek: zero, tik: zero },
    });
    const { status, channel } = start({ sessionless: 'randomKeys' });
    expect(status).toBe('SUCCESS');
    expect(channel?.tek).not.toEqual(zero);
    expect(channel?.tik).not.toEqual(channel?.tek);
    expect(start({ sessionless: 'refuse' })).toEqual({ status: 'INVALID_ADDRESS', channel: undefined });
  });

  it('has its policy looked at only where the profile says so', () => {
    expect(start({}, 0xffff_ffc0).status).toBe('SUCCESS');
    expect(start({ sessionlessPolicyChecked: true }, 0xffff_ffc0).status).toBe('POLICY_FAILURE');
    expect(start({ sessionlessPolicyChecked: true }, 0x40).status).toBe('POLICY_FAILURE');
  });
});

describe('a public key off the curve (CVE-2019-9836)', () => {
  /** Of order 2, so that its product with a scalar is itself or the point at infinity, whose X is 0 here. */
  const point = { x: toBigEndian(5n, 48), y: new Uint8Array(48) };
  const start = (curveCheck: boolean, z: Uint8Array) => {
    const platform = createPlatform('genoa-1.55', 'test', { curveCheck });
    initialise(platform);
    const { certificate } = makeOffer(platform, 1);
    const key = new Uint8Array(16);
    const session = wrapSession({ z, nonce: key, wrapIv: key, tek: key, tik: key, policy: 1 });
    const { status } = platform.run('LAUNCH_START', LaunchStartBuffer, {
      handle: 0,
      policy: 1,
      dhCertPaddr: platform.place(SevCertificate.encode({ ...certificate, pubkey: encodePoint(point) })),
      dhCertLen: SevCertificate.size,
      sessionPaddr: platform.place(LaunchSession.encode(session)),
      sessionLen: LaunchSession.size,
    });
    return { status, odd: platform.sp.identity.pdh.key.d[47]! % 2 === 1 };
  };

  it('is refused', () => {
    expect(start(true, point.x).status).toBe('INVALID_CERTIFICATE');
  });

  it('tells the lowest bit of the PDH where nobody checks', () => {
    const guessOdd = start(false, point.x);
    const guessEven = start(false, new Uint8Array(48));
    const [right, wrong] = guessOdd.odd ? [guessOdd, guessEven] : [guessEven, guessOdd];
    expect([right.status, wrong.status]).toEqual(['SUCCESS', 'BAD_MEASUREMENT']);
  });
});
