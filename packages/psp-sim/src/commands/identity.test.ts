import { createECDH } from 'node:crypto';
import { spa } from '@sevlab/codec/address';
import { concat, toHex } from '@sevlab/codec/bytes';
import { decodeAmdCertificate, KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  GetIdBuffer,
  PdhCertExportBuffer,
  PekCertImportBuffer,
  PekCsrBuffer,
  PlatformStatusBuffer,
} from '@sevlab/codec/sev/command';
import {
  certificateBody,
  EMPTY_SLOT,
  signCertificate,
  validateCertificate,
  withSlot,
} from '@sevlab/sev-channel/certificate';
import { EMULATED_ASK, emulatedAskPrivateKey } from '@sevlab/sev-channel/emulated-root';
import { signPss } from '@sevlab/sev-channel/rsa-pss';
import { describe, expect, it } from 'vitest';
import { expectCascade } from '../../test/cascade.ts';
import { createOwner, importBuffer, importPek, type Owner, requestPek, signPek } from '../../test/owner.ts';
import {
  commandOf,
  createPlatform,
  expectSuccess,
  initialise,
  launchGuest,
  UNUSABLE,
} from '../../test/platform.ts';
import { addressRows } from '../../test/rows.ts';
import { NO_BUFFER } from '../command.ts';
import type { ProfileName } from '../profile.ts';
import { SecureProcessor } from '../secure-processor.ts';

function ready(profile: ProfileName = 'genoa-1.55') {
  const platform = createPlatform(profile);
  initialise(platform);
  return platform;
}

describe('PDH_GEN and PEK_GEN', () => {
  it('have one check each', () => {
    const platform = createPlatform();
    expectCascade(platform, 'PDH_GEN', NO_BUFFER, {}, [
      ['platform is INIT or WORKING', () => initialise(platform)],
    ]);
    launchGuest(platform);
    expectCascade(platform, 'PEK_GEN', NO_BUFFER, {}, [
      ['platform is INIT', () => expectSuccess(platform.bare('SHUTDOWN')) ?? initialise(platform)],
    ]);
  });

  it('PEK_GEN makes OCA, PEK and PDH anew and signs them as INIT does; it survives SHUTDOWN', () => {
    const platform = ready();
    const first = platform.sp.identity;
    expectSuccess(platform.bare('PEK_GEN'));
    const { oca, pek, pdh } = platform.sp.identity;
    expect(oca).not.toEqual(first.oca);
    expect(pek).not.toEqual(first.pek);
    expect(pdh).not.toEqual(first.pdh);
    expect(validateCertificate(oca.certificate, oca.certificate)).toBe('SUCCESS');
    expect(validateCertificate(pek.certificate, oca.certificate)).toBe('SUCCESS');
    expect(validateCertificate(pek.certificate, platform.sp.cek.certificate)).toBe('SUCCESS');
    expect(validateCertificate(pdh.certificate, pek.certificate)).toBe('SUCCESS');
    expectSuccess(platform.bare('SHUTDOWN'));
    initialise(platform);
    expect(platform.sp.identity.pek).toBe(pek);
  });
});

describe('PEK_CSR', () => {
  it('has its checks in order', () => {
    const platform = createPlatform();
    const cmd = { csrPaddr: UNUSABLE, csrLen: 0x823 };
    expectCascade(platform, 'PEK_CSR', PekCsrBuffer, cmd, [
      ['platform is INIT, or WORKING where that is allowed', () => initialise(platform)],
      ['CSR_LEN suffices', () => Object.assign(cmd, { csrLen: 0x824 })],
      ...addressRows('CSR_PADDR', cmd, 'csrPaddr', platform.place(new Uint8Array(SevCertificate.size))),
    ]);
  });

  it.each([0, 0x823])('tells the length that %i is too short for', (csrLen) => {
    expect(ready().run('PEK_CSR', PekCsrBuffer, { csrPaddr: spa(0n), csrLen })).toEqual({
      status: 'INVALID_LENGTH',
      value: { csrPaddr: 0n, csrLen: 0x824 },
    });
  });

  it('is the PEK with nobody’s signature, and not a byte longer', () => {
    const platform = ready();
    const csrPaddr = platform.place(new Uint8Array(0x1000).fill(0xee));
    expect(platform.run('PEK_CSR', PekCsrBuffer, { csrPaddr, csrLen: 0x1000 })).toEqual({
      status: 'SUCCESS',
      value: { csrPaddr, csrLen: 0x824 },
    });
    const written = platform.machine.host.memory.read(csrPaddr, 0x1000);
    const pek = SevCertificate.encode(platform.sp.identity.pek.certificate);
    expect(written.subarray(0, 0x414)).toEqual(pek.subarray(0, 0x414));
    const empty = `00100000${'00'.repeat(0x204)}`;
    expect(toHex(written.subarray(0x414, 0x824))).toBe(empty + empty);
    expect(written.subarray(0x824).every((byte) => byte === 0xee)).toBe(true);
  });

  it.each([
    ['genoa-1.55', 'SUCCESS'],
    ['spec', 'INVALID_PLATFORM_STATE'],
  ] as const)('in WORKING, by %s: %s', (profile, status) => {
    const platform = ready(profile);
    launchGuest(platform);
    const csrPaddr = platform.place(new Uint8Array(SevCertificate.size));
    expect(platform.run('PEK_CSR', PekCsrBuffer, { csrPaddr, csrLen: 0x824 }).status).toBe(status);
  });
});

describe('PEK_CERT_IMPORT', () => {
  const owner = createOwner();
  const byOwner = (certificate: SevCertificate, slot: 1 | 2 = 1) =>
    signCertificate(certificate, slot, { usage: KEY_USAGE.OCA, d: owner.key.d }, owner.entropy);
  const flipped = (certificate: SevCertificate, slot: 'sig1' | 'sig2') => ({
    ...certificate,
    [slot]: certificate[slot].map((byte, at) => (at === 0 ? byte ^ 1 : byte)),
  });

  it('has its checks in order', () => {
    const platform = ready();
    const older = signPek(owner, requestPek(platform));
    expectSuccess(platform.bare('PEK_GEN'));
    const request = requestPek(platform);
    const pek = signPek(owner, request);
    expectSuccess(importPek(platform, pek, owner.oca));
    platform.sp.state.platform = 'WORKING';

    const cmd = { pekPaddr: UNUSABLE, pekLen: 0x823, ocaPaddr: UNUSABLE, ocaLen: 0x825 };
    const put = (change: { pek?: SevCertificate; oca?: SevCertificate }) => {
      if (change.pek) cmd.pekPaddr = platform.place(SevCertificate.encode(change.pek));
      if (change.oca) cmd.ocaPaddr = platform.place(SevCertificate.encode(change.oca));
    };
    const place = (certificate: SevCertificate) => platform.place(SevCertificate.encode(certificate));
    const strayed = byOwner({ ...owner.oca, version: 2 });
    const own = platform.sp.identity.pek;
    expectCascade(platform, 'PEK_CERT_IMPORT', PekCertImportBuffer, cmd, [
      ['platform is INIT', () => Object.assign(platform.sp.state, { platform: 'INIT' })],
      [
        'platform owns itself',
        () => {
          const { identity } = platform.sp;
          platform.sp.state.identity = { ...identity, oca: { ...identity.oca, key: owner.key } };
        },
      ],
      ['PEK_LEN is 0x824', () => Object.assign(cmd, { pekLen: 0x824 })],
      ['OCA_LEN is 0x824', () => Object.assign(cmd, { ocaLen: 0x824 })],
      ...addressRows('PEK_PADDR', cmd, 'pekPaddr', place(flipped(older, 'sig1'))),
      ...addressRows('OCA_PADDR', cmd, 'ocaPaddr', place(flipped(strayed, 'sig1'))),
      ['OCA bears a good signature by itself', () => put({ oca: strayed })],
      ['OCA is a certificate that itself may sign', () => put({ oca: owner.oca })],
      [
        'PEK bears a good signature by the OCA',
        () => put({ pek: byOwner({ ...older, pubkeyUsage: KEY_USAGE.PDH }) }),
      ],
      ['PEK is a certificate that the OCA may sign', () => put({ pek: byOwner(older, 2) })],
      ['PEK is the present one', () => put({ pek: byOwner(pek, 2) })],
      ['PEK has an empty signature slot', () => put({ pek })],
    ]);
    expect(platform.sp.identity.pek.key).toBe(own.key);
  });

  it.each([1, 2] as const)('moves the chip’s signature beside the owner’s in slot %i', (slot) => {
    const platform = ready();
    const before = platform.sp.identity;
    expect(importPek(platform, signPek(owner, requestPek(platform), slot), owner.oca)).toBe('SUCCESS');
    const { oca, pek, pdh } = platform.sp.identity;
    expect(oca).toEqual({ key: undefined, certificate: owner.oca });
    expect(pek.key).toBe(before.pek.key);
    expect(pek.certificate).toMatchObject(
      slot === 1
        ? { sig1Usage: KEY_USAGE.OCA, sig2Usage: KEY_USAGE.CEK, sig2: before.pek.certificate.sig2 }
        : { sig1Usage: KEY_USAGE.CEK, sig2Usage: KEY_USAGE.OCA, sig1: before.pek.certificate.sig2 },
    );
    expect(validateCertificate(pek.certificate, oca.certificate)).toBe('SUCCESS');
    expect(validateCertificate(pek.certificate, platform.sp.cek.certificate)).toBe('SUCCESS');
    expect(pdh).not.toEqual(before.pdh);
    expect(validateCertificate(pdh.certificate, pek.certificate)).toBe('SUCCESS');
  });

  it('makes the platform somebody’s, over SHUTDOWN, until PEK_GEN', () => {
    const platform = ready();
    const ownerField = () => {
      const empty = { apiMajor: 0, apiMinor: 0, state: 0, owner: 9, config: 0, build: 0, guestCount: 0 };
      return platform.run('PLATFORM_STATUS', PlatformStatusBuffer, empty).value.owner;
    };
    expect(ownerField()).toBe(0);
    const pek = signPek(owner, requestPek(platform));
    expect(importPek(platform, pek, owner.oca)).toBe('SUCCESS');
    expect(ownerField()).toBe(1);
    expect(importPek(platform, pek, owner.oca)).toBe('ALREADY_OWNED');
    expectSuccess(platform.bare('SHUTDOWN'));
    expect(ownerField()).toBe(0);
    initialise(platform);
    expect(ownerField()).toBe(1);
    expectSuccess(platform.bare('PEK_GEN'));
    expect(ownerField()).toBe(0);
    expect(importPek(platform, signPek(owner, requestPek(platform)), owner.oca)).toBe('SUCCESS');
  });

  it.each<
    readonly [
      string,
      string,
      (pek: SevCertificate, owner: Owner) => readonly [SevCertificate, SevCertificate],
    ]
  >([
    [
      'an OCA whose r is 0',
      'BAD_SIGNATURE',
      (pek, { oca }) => [pek, { ...oca, sig1: oca.sig1.map((byte, at) => (at < 72 ? 0 : byte)) }],
    ],
    [
      'an OCA that is called a CEK',
      'INVALID_CERTIFICATE',
      (pek, { oca, key, entropy }) => [
        pek,
        signCertificate(
          { ...oca, pubkeyUsage: KEY_USAGE.CEK },
          1,
          { usage: KEY_USAGE.CEK, d: key.d },
          entropy,
        ),
      ],
    ],
    [
      'an OCA that is called a PEK',
      'INVALID_CERTIFICATE',
      (pek, { oca, key, entropy }) => [
        pek,
        signCertificate(
          { ...oca, pubkeyUsage: KEY_USAGE.PEK },
          1,
          { usage: KEY_USAGE.PEK, d: key.d },
          entropy,
        ),
      ],
    ],
    [
      'a PEK that somebody else signed',
      'BAD_SIGNATURE',
      (pek, { oca, entropy }) => [
        signCertificate(pek, 1, { usage: KEY_USAGE.OCA, d: new Uint8Array(48).fill(7) }, entropy),
        oca,
      ],
    ],
    [
      'a PEK that nobody signed',
      'INVALID_CERTIFICATE',
      (pek, { oca }) => [withSlot(pek, 1, EMPTY_SLOT), oca],
    ],
    ['a PEK with a second slot of zeros', 'BAD_SIGNATURE', (pek, { oca }) => [{ ...pek, sig2Usage: 0 }, oca]],
  ])('refuses %s with %s, and nothing changes', (_, status, forge) => {
    const platform = ready();
    const { identity } = platform.sp;
    expect(importPek(platform, ...forge(signPek(owner, requestPek(platform)), owner))).toBe(status);
    expect(platform.sp.identity).toBe(identity);
  });

  it.each([
    ['genoa-1.55', 'good', 'bad', 'BAD_SIGNATURE'],
    ['genoa-1.55', 'bad', 'good', 'SUCCESS'],
    ['spec', 'good', 'bad', 'SUCCESS'],
    ['spec', 'bad', 'good', 'SUCCESS'],
    ['spec', 'bad', 'bad', 'BAD_SIGNATURE'],
  ] as const)('by %s, an OCA with a %s and then a %s signature: %s', (profile, first, second, status) => {
    const platform = ready(profile);
    let oca = byOwner(owner.oca, 2);
    if (first === 'bad') oca = flipped(oca, 'sig1');
    if (second === 'bad') oca = flipped(oca, 'sig2');
    expect(importPek(platform, signPek(owner, requestPek(platform)), oca)).toBe(status);
  });

  it('takes an owner with an RSA key of 4096 bits', () => {
    const platform = ready();
    const d = emulatedAskPrivateKey();
    const { pubexp, modulus } = decodeAmdCertificate(EMULATED_ASK);
    const pubkey = concat(Uint8Array.of(0, 0x10, 0, 0), pubexp, modulus);
    const sign = (certificate: SevCertificate) =>
      withSlot(certificate, 1, {
        usage: KEY_USAGE.OCA,
        algo: KEY_ALGO.RSA_SHA384,
        signature: signPss(d, certificateBody(certificate), new Uint8Array(48)),
      });
    const oca = sign({ ...owner.oca, pubkeyAlgo: KEY_ALGO.RSA_SHA384, pubkey });
    expect(importPek(platform, sign(requestPek(platform)), oca)).toBe('SUCCESS');
    expect(platform.sp.identity.oca.certificate).toEqual(oca);
    expect(importPek(ready(), requestPek(platform), oca)).toBe('INVALID_CERTIFICATE');
  });

  it('reads both certificates where the buffer says', () => {
    const platform = ready();
    const { pekPaddr, ocaPaddr, ...lengths } = importBuffer(
      platform,
      signPek(owner, requestPek(platform)),
      owner.oca,
    );
    const swapped = { ...lengths, pekPaddr: ocaPaddr, ocaPaddr: pekPaddr };
    expect(platform.run('PEK_CERT_IMPORT', PekCertImportBuffer, swapped).status).toBe('INVALID_CERTIFICATE');
  });
});

describe('PDH_CERT_EXPORT', () => {
  it('writes the owner’s certificate after an import, and the chip’s key without a signature', () => {
    const platform = ready();
    const owner = createOwner();
    expectSuccess(importPek(platform, signPek(owner, requestPek(platform)), owner.oca));
    const pdhPaddr = platform.place(new Uint8Array(0x3000));
    const certsPaddr = spa(pdhPaddr + 0x1000n);
    const cmd = { pdhPaddr, pdhLen: 0x824, certsPaddr, certsLen: 0x186c };
    expectSuccess(platform.run('PDH_CERT_EXPORT', PdhCertExportBuffer, cmd).status);
    const chain = platform.machine.host.memory.read(certsPaddr, 0x186c);
    expect(SevCertificate.decodeAt(chain, 0x824)).toEqual(owner.oca);
    expect(SevCertificate.decodeAt(chain, 0)).toEqual(platform.sp.identity.pek.certificate);
    expect(SevCertificate.decodeAt(chain, 2 * 0x824)).toMatchObject({ sig1Usage: 0x1000, sig2Usage: 0x1000 });
  });
});

describe('GET_ID', () => {
  /** The same chip but for its fuses. */
  const fused = (cuk: Uint8Array) => {
    const platform = createPlatform();
    return { ...platform, sp: new SecureProcessor({ ...platform.sp.state, cuk }, platform.sp.hardware) };
  };
  const getId = (platform: ReturnType<typeof fused>, idLen = 0x40) => {
    const idPaddr = platform.place(new Uint8Array(0x100).fill(0xee));
    const bytes = new Uint8Array(GetIdBuffer.paddedSize);
    GetIdBuffer.encodeInto(bytes, { idPaddr, idLen });
    const status = commandOf('GET_ID').run(platform.sp, bytes, () => {});
    return {
      status,
      idLen: GetIdBuffer.decodeAt(bytes, 0).idLen,
      id: platform.machine.host.memory.read(idPaddr, 0x100),
    };
  };

  it('has its checks in order, and none of the state', () => {
    const platform = createPlatform();
    const cmd = { idPaddr: UNUSABLE, idLen: 0x3f };
    expectCascade(platform, 'GET_ID', GetIdBuffer, cmd, [
      ['ID_LEN suffices', () => Object.assign(cmd, { idLen: 0x40 })],
      ...addressRows('ID_PADDR', cmd, 'idPaddr', platform.place(new Uint8Array(0x40))),
    ]);
  });

  /** Multiples of the generator: SEC 2, secp256k1 for 1; 2 from the point doubling published with it. */
  it.each([
    [
      1,
      '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
      '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8',
    ],
    [
      2,
      'c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5',
      '1ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a',
    ],
  ])('of a chip whose CUK is %i', (cuk, x, y) => {
    const fuses = new Uint8Array(32);
    fuses[31] = cuk;
    const { status, id } = getId(fused(fuses));
    expect(status).toBe('SUCCESS');
    expect(toHex(id.subarray(0, 0x41))).toBe(`${x}${y}ee`);
  });

  it('is a point that only who knows the CUK could make, the same after every INIT', () => {
    const platform = createPlatform();
    const first = getId(platform);
    initialise(platform);
    expectSuccess(platform.bare('SHUTDOWN'));
    initialise(platform);
    const second = getId(platform);
    expect(second).toEqual(first);
    const peer = createECDH('secp256k1');
    peer.generateKeys();
    const chip = createECDH('secp256k1');
    chip.setPrivateKey(platform.sp.state.cuk);
    const point = Buffer.concat([Uint8Array.of(4), first.id.subarray(0, 0x40)]);
    expect(peer.computeSecret(point)).toEqual(chip.computeSecret(peer.getPublicKey()));
  });

  it.each([
    [0x3f, 'INVALID_LENGTH', 0],
    [0x40, 'SUCCESS', 0x40],
    [0x80, 'SUCCESS', 0x40],
  ])('with ID_LEN %i answers %s, writes %i bytes and tells 0x40', (idLen, status, written) => {
    const answer = getId(createPlatform(), idLen);
    expect(answer).toMatchObject({ status, idLen: 0x40 });
    expect(answer.id.findIndex((byte, at) => at >= written && byte !== 0xee)).toBe(-1);
  });

  it('the CEK is the same at every INIT too', () => {
    const platform = ready();
    const { certificate } = platform.sp.cek;
    expectSuccess(platform.bare('SHUTDOWN'));
    initialise(platform);
    const again = new SecureProcessor(platform.sp.state, platform.sp.hardware);
    expect(again.cek.certificate).toEqual(certificate);
  });
});
