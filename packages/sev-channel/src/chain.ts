import { equal, toHex } from '@sevlab/codec/bytes';
import { type AmdCertificate, KEY_USAGE, type SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  AMD_KEY_IDS,
  encodeAmdCertificate,
  verifyAmdCertificate,
  verifyCekSignature,
} from './amd-certificate.ts';
import { validateCertificate } from './certificate.ts';

/** Everything from the platform's Diffie-Hellman key up to AMD's root. */
export interface CertificateChain {
  readonly pdh: SevCertificate;
  readonly pek: SevCertificate;
  readonly oca: SevCertificate;
  readonly cek: SevCertificate;
  readonly ask: AmdCertificate;
  readonly ark: AmdCertificate;
}

/** A decision, and why. */
export type ChainVerdict =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly reason: string };

/** One link, such as `PEK signed by OCA`, and what is wrong with it. */
export interface LinkVerdict {
  readonly link: LinkName;
  /** Absent when the link holds. */
  readonly reason?: string;
}

/**
 * Every link between the PDH and the trusted root, whose certificate is compared byte for byte. The links are those
 * that sevctl 0.6.2 verifies, from the root down, and the root itself. Without a trusted root the link `ARK` fails.
 */
export const judgeLinks = (
  chain: CertificateChain,
  trustedArk: Uint8Array | undefined,
): readonly LinkVerdict[] =>
  links.map(([link, broken]) => {
    const reason = broken(chain, trustedArk);
    return reason === undefined ? { link } : { link, reason };
  });

/** Whether the PDH belongs to a platform under the trusted root. `reason` names the first link that does not hold. */
export function verifyChain(chain: CertificateChain, trustedArk: Uint8Array): ChainVerdict {
  for (const [link, broken] of links) {
    const why = broken(chain, trustedArk);
    if (why !== undefined) return { accepted: false, reason: `${link}: ${why}` };
  }
  return { accepted: true };
}

/** Returns what is wrong, or undefined. */
type Broken = (chain: CertificateChain, trustedArk: Uint8Array | undefined) => string | undefined;

export type LinkName =
  | 'ARK'
  | 'ARK signed by itself'
  | 'ASK signed by ARK'
  | 'CEK signed by ASK'
  | 'OCA signed by itself'
  | 'PEK signed by OCA'
  | 'PEK signed by CEK'
  | 'PDH signed by PEK';

const links: readonly (readonly [LinkName, Broken])[] = [
  ['ARK', ({ ark }, trusted) => untrusted(ark, trusted)],
  ['ARK signed by itself', ({ ark }) => amdLink(ark, ark, KEY_USAGE.ARK)],
  ['ASK signed by ARK', ({ ask, ark }) => amdLink(ask, ark, KEY_USAGE.ASK)],
  ['CEK signed by ASK', ({ cek, ask }) => cekLink(cek, ask)],
  ['OCA signed by itself', ({ oca }) => sevLink(oca, oca, KEY_USAGE.OCA)],
  ['PEK signed by OCA', ({ pek, oca }) => sevLink(pek, oca, KEY_USAGE.PEK)],
  ['PEK signed by CEK', ({ pek, cek }) => sevLink(pek, cek, KEY_USAGE.PEK)],
  ['PDH signed by PEK', ({ pdh, pek }) => sevLink(pdh, pek, KEY_USAGE.PDH)],
];

/** An id proves nothing, although sev-tool 1.7 asks for no more of a root. */
function whoseId(id: string): string {
  const parts = AMD_KEY_IDS.get(id);
  if (parts === undefined) return '';
  return ` (AMD's for ${parts}, but anybody can write an id into a root of their own, and sev-tool 1.7 looks at nothing else)`;
}

function untrusted(ark: AmdCertificate, trusted: Uint8Array | undefined): string | undefined {
  if (trusted !== undefined && equal(encodeAmdCertificate(ark), trusted)) return undefined;
  const id = toHex(ark.head.keyId);
  return trusted === undefined
    ? `expected a trusted root, got none to compare the certificate with KEY_ID ${id} with${whoseId(id)}`
    : `expected the trusted root, got another certificate with KEY_ID ${id}${whoseId(id)}`;
}

function amdLink(certificate: AmdCertificate, parent: AmdCertificate, usage: number): string | undefined {
  const { keyUsage, certifyingId } = certificate.head;
  if (keyUsage !== usage) return `expected KEY_USAGE ${hex(usage)}, got ${hex(keyUsage)}`;
  if (!equal(certifyingId, parent.head.keyId)) {
    return `expected CERTIFYING_ID ${toHex(parent.head.keyId)}, got ${toHex(certifyingId)}`;
  }
  return verifyAmdCertificate(certificate, parent) ? undefined : 'expected a good signature, got a bad one';
}

function cekLink(cek: SevCertificate, ask: AmdCertificate): string | undefined {
  if (cek.pubkeyUsage !== KEY_USAGE.CEK) {
    return `expected PUBKEY_USAGE ${hex(KEY_USAGE.CEK)}, got ${hex(cek.pubkeyUsage)}`;
  }
  return verifyCekSignature(cek, ask) ? undefined : 'expected a good signature, got none or a bad one';
}

function sevLink(certificate: SevCertificate, parent: SevCertificate, usage: number): string | undefined {
  if (certificate.pubkeyUsage !== usage) {
    return `expected PUBKEY_USAGE ${hex(usage)}, got ${hex(certificate.pubkeyUsage)}`;
  }
  const status = validateCertificate(certificate, parent);
  return status === 'SUCCESS' ? undefined : `expected SUCCESS, got ${status}`;
}

const hex = (value: number): string => `0x${value.toString(16)}`;
