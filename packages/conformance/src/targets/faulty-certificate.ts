import { seededEntropy } from '@sevlab/ambient/entropy';
import {
  EcdsaSignature,
  EcPublicKey,
  KEY_ALGO,
  KEY_USAGE,
  type SevCertificate,
} from '@sevlab/codec/sev/certificate';
import {
  type SignatureSlot,
  signatureSlots,
  signCertificate,
  withSlot,
} from '@sevlab/sev-channel/certificate';
import { generateKeyPair, type KeyPair } from '@sevlab/sev-channel/p384';
import type { CertificateChange, SlotContent } from '../case.ts';

/** Who is said to have signed. */
export interface Signer {
  readonly usage: number;
  readonly d: Uint8Array;
}

const stranger: KeyPair = generateKeyPair(seededEntropy('conformance', 'stranger'));

/** A certificate with the faults that a case asks for; the signatures cover them. */
export function faultyCertificate(
  sound: SevCertificate,
  signer: Signer,
  change: CertificateChange = {},
  slots: readonly [SlotContent, SlotContent] = ['empty', 'empty'],
): SevCertificate {
  const key = EcPublicKey.decode(sound.pubkey);
  const qy = key.qy.slice();
  if (change.flipY !== undefined) flipBit(qy, change.flipY);
  const pubkey = sound.pubkey.slice();
  EcPublicKey.encodeInto(pubkey, { ...key, qy, curve: change.curve ?? key.curve });
  const padding = change.padding === 'ones' ? 0xff : undefined;
  if (padding !== undefined) pubkey.fill(padding, EcPublicKey.rows.at(-1)?.offset);
  const body: SevCertificate = {
    ...sound,
    version: change.version ?? sound.version,
    apiMajor: padding ?? sound.apiMajor,
    apiMinor: padding ?? sound.apiMinor,
    pubkeyUsage: Number(change.usage ?? sound.pubkeyUsage),
    pubkeyAlgo: Number(change.algo ?? sound.pubkeyAlgo),
    pubkey,
  };
  const [first, second] = change.slots ?? slots;
  return fill(fill(body, 1, first, signer), 2, second, signer);
}

function fill(certificate: SevCertificate, at: 1 | 2, content: SlotContent, signer: Signer): SevCertificate {
  const blank = new Uint8Array(0x200);
  const label = { usage: signer.usage, algo: KEY_ALGO.ECDSA_SHA256 };
  const put = (slot: SignatureSlot) => withSlot(certificate, at, slot);
  switch (content) {
    case 'empty':
      return put({ usage: KEY_USAGE.NONE, algo: KEY_ALGO.NONE, signature: blank });
    case 'zeros':
      return put({ usage: 0, algo: 0, signature: blank });
    case 'random':
      return put({ ...label, usage: KEY_USAGE.PEK, signature: blank.map((_, i) => 0x5d * i) });
    case 'r of zero': {
      const signature = EcdsaSignature.encode({
        r: new Uint8Array(72),
        s: new Uint8Array(72).fill(1, 0, 47),
      });
      return put({ ...label, signature });
    }
    default:
      return put({ ...label, ...mislabelled(content), signature: sign(certificate, content, signer) });
  }
}

function sign(certificate: SevCertificate, content: SlotContent, signer: Signer): Uint8Array {
  const key = content === 'stranger' ? { ...signer, d: stranger.d } : signer;
  const signed = signCertificate(certificate, 1, key, seededEntropy('conformance', 'signatures'));
  const signature = signatureSlots(signed)[0].signature.slice();
  if (content === 'bad') flipBit(signature, 0);
  return signature;
}

function mislabelled(content: SlotContent): Partial<SignatureSlot> {
  if (content === 'wrong algo') return { algo: KEY_ALGO.ECDSA_SHA384 };
  return content === 'wrong usage' ? { usage: KEY_USAGE.CEK } : {};
}

/** Changes one bit; bit 0 is the lowest of the first byte. */
export function flipBit(bytes: Uint8Array, bit: number): void {
  const at = Math.floor(bit / 8);
  if (at >= bytes.length) throw new RangeError(`bit ${bit} lies outside ${bytes.length} bytes`);
  bytes[at]! ^= 1 << (bit % 8);
}
