import { fromBase64, toHex } from '@sevlab/codec/bytes';
import { decodeAmdCertificate, SevCertificate } from '@sevlab/codec/sev/certificate';
import { describe, expect, test } from 'vitest';
import { makePlatform } from '../test/platform.ts';
import sevctl from '../test/vectors/sevctl-verify.json' with { type: 'json' };
import { judgeLinks, verifyChain } from './chain.ts';
import { EMULATED_ARK } from './emulated-root.ts';
import { amdFingerprint, sevFingerprint } from './fingerprint.ts';

/** Names and fingerprints as sevctl prints them, in its order. */
const printed = (stdout: string) =>
  [...stdout.matchAll(/(\w{3}) \w+ \w+ ([0-9a-f]{64,})$/gm)].map(([, name, hash]) => [name, hash]);

const readable = sevctl.cases.filter(({ stdout }) => stdout !== '');

test.each(readable)('sevctl prints the fingerprints of $name', ({ sev_base64, ca_base64, stdout }) => {
  const chain = fromBase64(sev_base64);
  const ca = fromBase64(ca_base64);
  const sev = ['PDH', 'PEK', 'OCA', 'CEK'].map((name, i) => [
    name,
    toHex(sevFingerprint(SevCertificate.decodeAt(chain, i * SevCertificate.size))),
  ]);
  const amd = ['ASK', 'ARK'].map((name, i) => [
    name,
    toHex(amdFingerprint(decodeAmdCertificate(ca.slice((i * ca.length) / 2, ((i + 1) * ca.length) / 2)))),
  ]);
  expect([...sev, ...amd]).toEqual(printed(stdout));
});

describe('judgeLinks', () => {
  const { chain } = makePlatform('links');

  test('tells of every link, and verifyChain of the first that does not hold', () => {
    expect(judgeLinks(chain, EMULATED_ARK).filter(({ reason }) => reason !== undefined)).toEqual([]);
    const broken = { ...chain, pdh: { ...chain.pdh, apiMajor: 7 }, oca: { ...chain.oca, apiMajor: 7 } };
    const links = judgeLinks(broken, EMULATED_ARK).filter(({ reason }) => reason !== undefined);
    expect(links.map(({ link }) => link)).toEqual(['OCA signed by itself', 'PDH signed by PEK']);
    expect(verifyChain(broken, EMULATED_ARK)).toEqual({
      accepted: false,
      reason: `${links[0]!.link}: ${links[0]!.reason}`,
    });
  });

  test('without a trusted root, no root is trusted, not even that of the chain', () => {
    const [first, ...others] = judgeLinks(chain, undefined);
    expect(first).toEqual({
      link: 'ARK',
      reason: expect.stringMatching(/^expected a trusted root, got none/),
    });
    expect(others.every(({ reason }) => reason === undefined)).toBe(true);
  });
});
