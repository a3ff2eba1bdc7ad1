import { seededEntropy } from '@sevlab/ambient/entropy';
import { fromBase64 } from '@sevlab/codec/bytes';
import { LengthError } from '@sevlab/codec/layout';
import { AttestationReport } from '@sevlab/codec/sev/attestation';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { expect, test } from 'vitest';
import sevTool from '../test/vectors/sev-tool-attestation.json' with { type: 'json' };
import sevctl from '../test/vectors/sevctl-validate.json' with { type: 'json' };
import { signAttestation, verifyAttestation } from './attestation.ts';
import { decodePoint } from './certificate.ts';
import { generateKeyPair } from './p384.ts';

test.each(sevTool.cases)('sev-tool, $case, policy $policy: accepted $accepted', (c) => {
  const pek = decodePoint(SevCertificate.decode(fromBase64(c['pek.cert'])).pubkey)!;
  expect(verifyAttestation(AttestationReport.decode(fromBase64(c.report)), pek)).toBe(c.accepted);
});

test('sev-tool took reports and refused reports', () => {
  expect(new Set(sevTool.cases.map(({ accepted }) => accepted)).size).toBe(2);
});

test('reports that sevctl refuses by their size are judged by their content', () => {
  const pek = decodePoint(
    SevCertificate.decode(fromBase64(sevctl.chain).subarray(SevCertificate.size, 2 * SevCertificate.size))
      .pubkey,
  )!;
  const judge = (report: Uint8Array): boolean | string => {
    try {
      return verifyAttestation(AttestationReport.decode(report), pek);
    } catch (error) {
      if (error instanceof LengthError) return error.message;
      throw error;
    }
  };
  const verdicts = sevctl.cases.map((c) => [c.case, judge(fromBase64(c.report))]);
  const size = (got: number) => `ATTESTATION report: expected 208 bytes, got ${got}`;
  expect(verdicts).toEqual([
    ['good', true],
    ['good', true],
    ['digest', false],
    ['sig', false],
    ['short', size(207)],
    ['pad548', size(548)],
    ['pad576', size(576)],
  ]);
});

const key = generateKeyPair(seededEntropy('known', 'PEK'));
const attested = { mnonce: new Uint8Array(16).fill(1), launchDigest: new Uint8Array(32).fill(2), policy: 3 };
const sign = (change: Partial<typeof attested> = {}) =>
  signAttestation({ ...attested, ...change }, key.d, seededEntropy('known', 'signatures'));

test('what one signs the other verifies, and under no other key', () => {
  const other = generateKeyPair(seededEntropy('known', 'another PEK'));
  expect(verifyAttestation(sign(), key)).toBe(true);
  expect(verifyAttestation(sign(), other)).toBe(false);
});

test('each attested field is signed', () => {
  const { sigR, sigS } = sign();
  const others = [{ mnonce: new Uint8Array(16) }, { launchDigest: new Uint8Array(32) }, { policy: 2 }];
  for (const change of others) expect(verifyAttestation({ ...sign(change), sigR, sigS }, key)).toBe(false);
});

test('a digest of another size is refused', () => {
  expect(() => sign({ launchDigest: new Uint8Array(48) })).toThrow(LengthError);
});
