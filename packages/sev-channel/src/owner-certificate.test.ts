import { createPrivateKey, type KeyObject } from 'node:crypto';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { equal, fromBase64 } from '@sevlab/codec/bytes';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { describe, expect, test } from 'vitest';
import sevTool from '../test/vectors/sev-tool-sign-pek-csr.json' with { type: 'json' };
import sevctl from '../test/vectors/sevctl-generate.json' with { type: 'json' };
import {
  certificateBody,
  makeCertificate,
  signCertificate,
  signingRequest,
  validateCertificate,
} from './certificate.ts';
import { type KeyPair, keyPairFromScalar } from './p384.ts';

const decode = (base64: string): SevCertificate => SevCertificate.decode(fromBase64(base64));

function keyPairOf(key: KeyObject): KeyPair {
  const { d } = key.export({ format: 'jwk' });
  return keyPairFromScalar(new Uint8Array(Buffer.from(d!, 'base64url')));
}

/** `exact`: how many bytes of the body are made of the key. sevctl leaves other bytes behind the coordinates. */
const owners = [
  ...sevTool.cases.map((c, i) => ({
    name: `sev-tool, request ${i}`,
    oca: decode(c['oca.cert']),
    key: keyPairOf(createPrivateKey(c.oca_private_pem)),
    exact: 0x414,
  })),
  ...sevctl.cases.map((c) => ({
    name: 'sevctl',
    oca: decode(c['oca.cert']),
    key: keyPairOf(
      createPrivateKey({ key: Buffer.from(c['oca.key'], 'base64'), format: 'der', type: 'sec1' }),
    ),
    exact: 0xa4,
  })),
];

describe.each(owners)('the OCA certificate of $name', ({ oca, key, exact }) => {
  test('signs itself', () => expect(validateCertificate(oca, oca)).toBe('SUCCESS'));

  test('is what we make of the same key, but for the signature, which is drawn', () => {
    const { apiMajor, apiMinor } = oca;
    const usage = { usage: KEY_USAGE.OCA, algo: KEY_ALGO.ECDSA_SHA256, apiMajor, apiMinor };
    const ours = makeCertificate({ ...usage, point: key });
    expect(certificateBody(ours).subarray(0, exact)).toEqual(certificateBody(oca).subarray(0, exact));
    const signed = signCertificate(ours, 1, { usage: KEY_USAGE.OCA, d: key.d }, seededEntropy('known', 'k'));
    const { sig1Usage, sig1Algo, sig2Usage, sig2Algo, sig2 } = signed;
    expect(oca).toMatchObject({ sig1Usage, sig1Algo, sig2Usage, sig2Algo, sig2 });
    expect(validateCertificate(signed, oca)).toBe('SUCCESS');
  });
});

const isRequest = (base64: string): boolean =>
  equal(fromBase64(base64), SevCertificate.encode(signingRequest(decode(base64))));

test('sev-tool signs what is a request to us, and refuses what is none', () => {
  expect(sevTool.cases.map(({ csr }) => isRequest(csr))).toEqual([true, true, true, true]);
  expect(sevTool.refused.map(({ csr }) => isRequest(csr))).toEqual([false, false, false]);
});

describe.each(sevTool.cases)('a request that sev-tool signed', (c) => {
  const [request, signed, oca] = [c.csr, c['pek_csr.signed.cert'], c['oca.cert']].map(decode) as [
    SevCertificate,
    SevCertificate,
    SevCertificate,
  ];
  test('is valid under its OCA, and was not before', () => {
    expect(validateCertificate(signed, oca)).toBe('SUCCESS');
    expect(validateCertificate(request, oca)).toBe('INVALID_CERTIFICATE');
  });

  test('is what we sign, but for the signature, which is drawn', () => {
    const { d } = keyPairOf(createPrivateKey(c.oca_private_pem));
    const ours = signCertificate(request, 1, { usage: KEY_USAGE.OCA, d }, seededEntropy('known', 'k'));
    expect(SevCertificate.encode({ ...ours, sig1: signed.sig1 })).toEqual(SevCertificate.encode(signed));
    expect(validateCertificate(ours, oca)).toBe('SUCCESS');
  });
});
