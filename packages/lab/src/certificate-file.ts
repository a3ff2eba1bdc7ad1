import { concat, fromBase64 } from '@sevlab/codec/bytes';
import {
  type AmdCertificate,
  AmdCertificateHead,
  decodeAmdCertificate,
  SevCertificate,
} from '@sevlab/codec/sev/certificate';
import type { CertificateChain } from '@sevlab/sev-channel/chain';

/** PDH, PEK, OCA and CEK behind one another, as `sevctl export` writes them, in bytes. */
export const CHAIN_SIZE: number = 4 * SevCertificate.size;

/** AMD's part of a chain. */
export type Authority = Pick<CertificateChain, 'ask' | 'ark'>;

/** A chain file: with AMD's part when it was made with `--full`. */
export type ChainFile = Omit<CertificateChain, keyof Authority> & { readonly authority?: Authority };

/** Certificates as bytes. */
export type CertificateBytes = Readonly<Record<keyof CertificateChain, Uint8Array>>;

/** The file that `sevctl export [--full]` writes and `sevctl verify --sev` reads. */
export const encodeChainFile = (certificates: CertificateBytes, full: boolean): Uint8Array => {
  const { pdh, pek, oca, cek, ask, ark } = certificates;
  return concat(pdh, pek, oca, cek, ...(full ? [ask, ark] : []));
};

/** Raw, or base64 as `virsh nodesevinfo` and simple-kbs pass it on. Throws RangeError. */
export function decodeChainFile(file: Uint8Array): ChainFile {
  const bytes = rawOf(file);
  if (bytes.length < CHAIN_SIZE) {
    throw new RangeError(
      `expected PDH, PEK, OCA and CEK, ${CHAIN_SIZE} bytes, with or without ASK and ARK, got ${bytes.length} bytes`,
    );
  }
  const [pdh, pek, oca, cek] = [0, 1, 2, 3].map((i) =>
    SevCertificate.decodeAt(bytes, i * SevCertificate.size),
  );
  const chain = { pdh: pdh!, pek: pek!, oca: oca!, cek: cek! };
  const rest = bytes.subarray(CHAIN_SIZE);
  return rest.length === 0 ? chain : { ...chain, authority: decodeAuthority(rest) };
}

/** ASK and ARK behind one another, as `sevctl verify --ca` reads them. Throws RangeError. */
export function decodeAuthorityFile(file: Uint8Array): Authority {
  return decodeAuthority(rawOf(file));
}

/** The first certificate of a file, which sevctl takes for the PDH. Throws RangeError. */
export function decodePdhFile(file: Uint8Array): SevCertificate {
  const bytes = rawOf(file);
  if (bytes.length === SevCertificate.size) return SevCertificate.decode(bytes);
  if (bytes.length >= CHAIN_SIZE) return decodeChainFile(bytes).pdh;
  throw new RangeError(
    `expected a PDH certificate of ${SevCertificate.size} bytes or a chain of ${CHAIN_SIZE} and more, got ${bytes.length} bytes`,
  );
}

function decodeAuthority(bytes: Uint8Array): Authority {
  const size = amdCertificateSize(bytes);
  if (size === undefined || bytes.length <= size) {
    throw new RangeError(
      `expected ASK and ARK, twice 832 or 1600 bytes, got ${bytes.length} bytes that are none`,
    );
  }
  return {
    ask: decodeAmdCertificate(bytes.subarray(0, size)),
    ark: decodeAmdCertificate(bytes.subarray(size)),
  } satisfies Record<keyof Authority, AmdCertificate>;
}

/** What the head of an AMD certificate says about its size, in bytes; undefined when there is not even a head. */
function amdCertificateSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < AmdCertificateHead.size) return undefined;
  const { pubexpSize, modulusSize } = AmdCertificateHead.decodeAt(bytes, 0);
  return AmdCertificateHead.size + pubexpSize / 8 + (2 * modulusSize) / 8;
}

/** A certificate starts with VERSION 1, whose zeros are in no base64 text. */
function rawOf(file: Uint8Array): Uint8Array {
  if (file.includes(0)) return file;
  try {
    return fromBase64(new TextDecoder('latin1').decode(file));
  } catch (error) {
    if (error instanceof SyntaxError) return file;
    throw error;
  }
}
