import { fromBase64, toHex } from '@sevlab/codec/bytes';
import { LengthError } from '@sevlab/codec/layout';
import {
  type AmdCertificate,
  decodeAmdCertificate,
  KEY_USAGE,
  SevCertificate,
} from '@sevlab/codec/sev/certificate';
import { describe, expect, test } from 'vitest';
import { flipBit } from '../test/flip.ts';
import { makePlatform } from '../test/platform.ts';
import sevTool from '../test/vectors/sev-tool-chains.json' with { type: 'json' };
import { AMD_KEY_IDS, encodeAmdCertificate } from './amd-certificate.ts';
import { type CertificateChain, verifyChain } from './chain.ts';
import { EMULATED_ARK, EMULATED_ASK } from './emulated-root.ts';

type Files = (typeof sevTool.platforms)['rome'];

function decodeChain(files: Files): CertificateChain {
  const sev = (name: keyof Files) => SevCertificate.decode(fromBase64(files[name]));
  const amd = (name: keyof Files) => decodeAmdCertificate(fromBase64(files[name]));
  return {
    pdh: sev('pdh.cert'),
    pek: sev('pek.cert'),
    oca: sev('oca.cert'),
    cek: sev('cek.cert'),
    ask: amd('ask.cert'),
    ark: amd('ark.cert'),
  };
}

const platforms: Readonly<Record<string, Files>> = sevTool.platforms;

/** What we say of sev-tool's cases, each under the root of its platform. */
const verdicts: Readonly<Record<string, RegExp | 'accepted' | typeof LengthError>> = {
  'made-up-rome': 'accepted',
  'made-up-naples': 'accepted',
  'made-up-naples-old': 'accepted',
  'cek-signature-bad': /^CEK signed by ASK: /,
  'ask-signature-bad': /^ASK signed by ARK: /,
  'ark-keyid-unknown': /^ARK: expected the trusted root/,
  'ark-keyid-upper-half-unknown': /^ARK: expected the trusted root/,
  'pek-missing-oca-signature': /^PEK signed by OCA: /,
  'pdh-usage-wrong': /^PDH signed by PEK: expected PUBKEY_USAGE 0x1003, got /,
  'pek-reserved-byte': /^PEK signed by OCA: expected SUCCESS, got BAD_SIGNATURE/,
  'short-pdh': LengthError,
};

/** Where sev-tool accepts and we refuse. */
const stricter: Readonly<Record<string, string>> = {
  'ark-keyid-upper-half-unknown': 'sev-tool compares the first 8 bytes of KEY_ID; we compare the certificate',
  'short-pdh': 'sev-tool takes a file that lacks a byte; we do not',
};

describe('sev-tool', () => {
  test.each(sevTool.cases)('$name: accepted $accepted', ({ name, platform, accepted, changed }) => {
    const original = platforms[platform]!;
    const judge = () =>
      verifyChain(decodeChain({ ...original, ...changed }), fromBase64(original['ark.cert']));
    const verdict = verdicts[name]!;

    if (typeof verdict === 'function') expect(judge).toThrow(verdict);
    else if (verdict === 'accepted') expect(judge()).toEqual({ accepted: true });
    else expect(judge()).toEqual({ accepted: false, reason: expect.stringMatching(verdict) });

    expect(accepted !== (verdict === 'accepted')).toBe(name in stricter);
  });

  test('Milan, which has no verdict of sev-tool', () => {
    const { milan } = sevTool.platforms;
    expect(verifyChain(decodeChain(milan), fromBase64(milan['ark.cert']))).toEqual({ accepted: true });
  });

  test('a whole chain under another root is refused', () => {
    const { rome } = sevTool.platforms;
    expect(verifyChain(decodeChain(rome), EMULATED_ARK)).toEqual({
      accepted: false,
      reason:
        'ARK: expected the trusted root, got another certificate with KEY_ID e6002122fb58419399d15fee7b131351 ' +
        "(AMD's for Rome, but anybody can write an id into a root of their own, and sev-tool 1.7 looks at nothing else)",
    });
  });

  test.each(Object.entries(sevTool.platforms))('the root of %s has an id of AMD', (name, platform) => {
    const id = toHex(decodeChain(platform).ark.head.keyId);
    expect(AMD_KEY_IDS.get(id)?.toLowerCase()).toBe(name.replace('-old', ''));
  });
});

describe('a platform under the emulated root', () => {
  const { chain } = makePlatform('chain');
  const foreign = makePlatform('another chain').chain;
  const flippedAmd = (certificate: AmdCertificate, bit: number) =>
    decodeAmdCertificate(flipBit(encodeAmdCertificate(certificate), bit));

  test('is accepted', () => {
    expect(verifyChain(chain, EMULATED_ARK)).toEqual({ accepted: true });
  });

  const ask = decodeAmdCertificate(EMULATED_ASK);
  const anotherId = flippedAmd(ask, 8 * 0x14);
  const broken: [string, Partial<CertificateChain>, string][] = [
    ['ARK with a flipped signature', { ark: flippedAmd(chain.ark, 8 * 0x500) }, 'ARK: '],
    ['ASK with a flipped signature', { ask: flippedAmd(ask, 8 * 0x500) }, 'ASK signed by ARK: '],
    ['ASK that names another issuer', { ask: anotherId }, 'ASK signed by ARK: expected CERTIFYING_ID '],
    [
      'ARK in the place of the ASK',
      { ask: chain.ark },
      'ASK signed by ARK: expected KEY_USAGE 0x13, got 0x0',
    ],
    [
      'CEK of another platform',
      { cek: foreign.cek },
      'PEK signed by CEK: expected SUCCESS, got BAD_SIGNATURE',
    ],
    [
      'CEK as exported, unsigned',
      { cek: { ...chain.cek, sig1Usage: KEY_USAGE.NONE, sig1Algo: 0 } },
      'CEK signed by ASK: expected a good signature, got none or a bad one',
    ],
    [
      'OCA in the place of the CEK',
      { cek: chain.oca },
      'CEK signed by ASK: expected PUBKEY_USAGE 0x1004, got 0x1001',
    ],
    [
      'OCA whose own signature is bad',
      { oca: { ...chain.oca, sig1: flipBit(chain.oca.sig1, 0) } },
      'OCA signed by itself: expected SUCCESS, got BAD_SIGNATURE',
    ],
    [
      'OCA of another platform',
      { oca: foreign.oca },
      'PEK signed by OCA: expected SUCCESS, got BAD_SIGNATURE',
    ],
    ['PEK in the place of the OCA', { oca: chain.pek }, 'OCA signed by itself: expected PUBKEY_USAGE 0x1001'],
    [
      'PEK of another platform',
      { pek: foreign.pek },
      'PEK signed by OCA: expected SUCCESS, got BAD_SIGNATURE',
    ],
    [
      'PEK without the signature of the CEK',
      { pek: { ...chain.pek, sig2Usage: KEY_USAGE.NONE, sig2Algo: 0 } },
      'PEK signed by CEK: expected SUCCESS, got INVALID_CERTIFICATE',
    ],
    [
      'PDH of another platform',
      { pdh: foreign.pdh },
      'PDH signed by PEK: expected SUCCESS, got BAD_SIGNATURE',
    ],
    [
      'PEK in the place of the PDH',
      { pdh: chain.pek },
      'PDH signed by PEK: expected PUBKEY_USAGE 0x1003, got 0x1002',
    ],
  ];

  test.each(broken)('%s', (_, change, reason) => {
    const verdict = verifyChain({ ...chain, ...change }, EMULATED_ARK);
    expect(verdict).toEqual({ accepted: false, reason: expect.stringContaining(reason) });
  });

  // Everything is wrong; each step repairs one certificate, from the root down, and the next link speaks.
  test('the first broken link is named', () => {
    const wrong: CertificateChain = {
      ark: ask,
      ask: flippedAmd(ask, 8 * 0x500),
      cek: { ...chain.cek, apiMajor: 7 },
      oca: { ...chain.oca, apiMajor: 7 },
      pek: { ...chain.pek, apiMajor: 7 },
      pdh: { ...chain.pdh, apiMajor: 7 },
    };
    const repairs: [string, keyof CertificateChain][] = [
      ['ARK', 'ark'],
      ['ASK signed by ARK', 'ask'],
      ['CEK signed by ASK', 'cek'],
      ['OCA signed by itself', 'oca'],
      ['PEK signed by OCA', 'pek'],
      ['PDH signed by PEK', 'pdh'],
    ];
    let repaired = wrong;
    for (const [link, certificate] of repairs) {
      const reason = expect.stringMatching(new RegExp(`^${link}: `));
      expect(verifyChain(repaired, EMULATED_ARK)).toEqual({ accepted: false, reason });
      repaired = { ...repaired, [certificate]: chain[certificate] };
    }
    expect(verifyChain(repaired, EMULATED_ARK)).toEqual({ accepted: true });
  });

  test('a root that is trusted but did not sign itself is refused', () => {
    const ark = flippedAmd(chain.ark, 8 * 0x500);
    const verdict = verifyChain({ ...chain, ark }, encodeAmdCertificate(ark));
    expect(verdict).toEqual({
      accepted: false,
      reason: 'ARK signed by itself: expected a good signature, got a bad one',
    });
  });
});
