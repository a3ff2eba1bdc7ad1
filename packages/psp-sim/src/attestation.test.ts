import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { spa } from '@sevlab/codec/address';
import { concat, toHex } from '@sevlab/codec/bytes';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { AttestationBuffer, HandleBuffer, LaunchUpdateBuffer } from '@sevlab/codec/sev/command';
import { expect, it } from 'vitest';
import {
  createPlatform,
  expectSuccess,
  initialise,
  launchGuest,
  measureGuest,
  type Platform,
} from '../test/platform.ts';

const MNONCE = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i);

/** A guest in LSECRET with 4 KiB of 41h measured. */
function measured() {
  const platform = createPlatform();
  initialise(platform);
  const handle = launchGuest(platform, 0x3701_0001);
  const paddr = platform.place(new Uint8Array(4096).fill(0x41));
  const update = platform.run('LAUNCH_UPDATE_DATA', LaunchUpdateBuffer, { handle, paddr, length: 4096 });
  expectSuccess(update.status);
  measureGuest(platform, handle);
  return { platform, handle };
}

function attest(platform: Platform, handle: number, length = 0xd0) {
  const paddr = platform.place(new Uint8Array(0x100).fill(0x5a));
  const cmd = { handle, paddr, mnonce: MNONCE, length };
  const { status, value } = platform.run('ATTESTATION', AttestationBuffer, cmd);
  return { status, length: value.length, report: platform.machine.host.memory.read(paddr, 0x100) };
}

const bigEndian = (littleEndian: Uint8Array, size = 48): Uint8Array => littleEndian.slice(0, size).reverse();

/** The PEK as its certificate tells it, without help from our own code: QX at 0x14, QY at 0x5c. */
function pekOf({ sp }: Platform): KeyObject {
  const certificate = SevCertificate.encode(sp.identity.pek.certificate);
  const coordinate = (offset: number) =>
    Buffer.from(bigEndian(certificate.subarray(offset))).toString('base64url');
  const key = { kty: 'EC', crv: 'P-384', x: coordinate(0x14), y: coordinate(0x5c) };
  return createPublicKey({ key, format: 'jwk' });
}

const isSignedBy = (key: KeyObject, report: Uint8Array): boolean =>
  verify(
    'sha256',
    report.subarray(0, 0x34),
    { key, dsaEncoding: 'ieee-p1363' },
    concat(bigEndian(report.subarray(0x40)), bigEndian(report.subarray(0x88))),
  );

it.each(['LSECRET', 'RUNNING', 'SUPDATE', 'SENT'] as const)(
  'in %s: nonce, digest, policy, signed by the PEK',
  (state) => {
    const { platform, handle } = measured();
    Object.assign(platform.sp.guest(handle), { state });
    const { status, length, report } = attest(platform, handle, 0x100);
    expect([status, length]).toEqual(['SUCCESS', 0xd0]);
    expect(toHex(report.subarray(0, 0x40))).toBe(
      toHex(MNONCE) +
        '6896d9ea3f73a4434f5832bc65714e7d066f177373f36f34dc8a6f735daa41b1' + // sha256sum of 4096 times 41h
        '01000137' +
        '02100000' +
        '02000000' +
        '00000000',
    );
    expect(report.subarray(0xd0)).toEqual(new Uint8Array(0x30).fill(0x5a));
    expect(isSignedBy(pekOf(platform), report)).toBe(true);
  },
);

it('signs 52 bytes: nonce, digest and policy, and neither usage nor algorithm', () => {
  const { platform, handle } = measured();
  const { report } = attest(platform, handle);
  const verifiesWith = (offset: number) =>
    isSignedBy(pekOf(platform), report.with(offset, report[offset]! ^ 1));
  expect([0, 0x0f, 0x10, 0x2f, 0x30, 0x33].map(verifiesWith)).toEqual(Array(6).fill(false));
  expect([0x34, 0x38, 0x3c].map(verifiesWith)).toEqual([true, true, true]);
});

it('LAUNCH_FINISH changes nothing that is attested; no two signatures are the same', () => {
  const { platform, handle } = measured();
  const before = attest(platform, handle).report;
  expectSuccess(platform.run('LAUNCH_FINISH', HandleBuffer, { handle }).status);
  const after = attest(platform, handle).report;
  expect(after.subarray(0, 0x40)).toEqual(before.subarray(0, 0x40));
  expect(after.subarray(0x40)).not.toEqual(before.subarray(0x40));
});

it('a guest that was never measured here has a digest of zeros', () => {
  const { platform, handle } = measured();
  Object.assign(platform.sp.guest(handle), { state: 'RUNNING', launchDigest: undefined });
  const { status, report } = attest(platform, handle);
  expect(status).toBe('SUCCESS');
  expect(report.subarray(0x10, 0x30)).toEqual(new Uint8Array(32));
});

it('a buffer that is too short is told its length, but in the wrong state the state speaks', () => {
  const { platform, handle } = measured();
  for (const length of [0, 0xcf]) {
    const { report, ...answer } = attest(platform, handle, length);
    expect(answer).toEqual({ status: 'INVALID_LENGTH', length: 0xd0 });
    expect(report).toEqual(new Uint8Array(0x100).fill(0x5a));
  }
  Object.assign(platform.sp.guest(handle), { state: 'LUPDATE' });
  expect(attest(platform, handle, 0)).toMatchObject({ status: 'INVALID_GUEST_STATE', length: 0 });
});

it('where the report cannot be written nothing is signed', () => {
  const { platform, handle } = measured();
  const draws = platform.sp.state.entropy.draws;
  const cmd = { handle, paddr: spa(0x9000_0000n), mnonce: MNONCE, length: 0xd0 };
  expect(platform.run('ATTESTATION', AttestationBuffer, cmd).status).toBe('INVALID_CONFIG');
  expect(platform.sp.state.entropy.draws).toBe(draws);
});
