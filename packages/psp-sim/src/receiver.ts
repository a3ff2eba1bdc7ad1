import type { Spa } from '@sevlab/codec/address';
import { equal } from '@sevlab/codec/bytes';
import {
  type AmdCertificate,
  AmdCertificateHead,
  CERT_CHAIN_SIZE,
  decodeAmdCertificate,
  KEY_USAGE,
  SevCertificate,
} from '@sevlab/codec/sev/certificate';
import { hasPolicy, type PolicyFlag } from '@sevlab/codec/sev/policy';
import {
  encodeAmdCertificate,
  verifyAmdCertificate,
  verifyCekSignature,
} from '@sevlab/sev-channel/amd-certificate';
import { signatureSlots, validateCertificate } from '@sevlab/sev-channel/certificate';
import { EMULATED_ARK, EMULATED_ASK } from '@sevlab/sev-channel/emulated-root';
import { once } from './command.ts';
import { type CertificateContext, isAtLeast } from './guest-start.ts';
import type { Precondition } from './preconditions.ts';
import type { SecureProcessor } from './secure-processor.ts';

/** ASK and ARK of a platform under a root of 4096 bits, in bytes. */
export const AMD_CERTS_SIZE: number = EMULATED_ASK.length + EMULATED_ARK.length;

/** The platform that a guest is to be sent to, as its certificates tell. Read when a row first asks. */
export interface Receiver {
  readonly pek: () => SevCertificate;
  readonly oca: () => SevCertificate;
  readonly cek: () => SevCertificate;
  /** Undefined when the bytes are no certificate of 4096 bits. */
  readonly ask: () => AmdCertificate | undefined;
  readonly ark: () => AmdCertificate | undefined;
}

/** `platCerts` is where PEK, OCA and CEK lie, `amdCerts` where ASK and ARK do. */
export function openReceiver(sp: SecureProcessor, platCerts: Spa, amdCerts: Spa): Receiver {
  const chain = once(() => sp.memory.read(platCerts, CERT_CHAIN_SIZE));
  const roots = once(() => sp.memory.read(amdCerts, AMD_CERTS_SIZE));
  return {
    pek: () => SevCertificate.decodeAt(chain(), 0),
    oca: () => SevCertificate.decodeAt(chain(), SevCertificate.size),
    cek: () => SevCertificate.decodeAt(chain(), 2 * SevCertificate.size),
    ask: once(() => amdCertificate(roots().subarray(0, EMULATED_ASK.length))),
    ark: once(() => amdCertificate(roots().subarray(EMULATED_ASK.length))),
  };
}

function amdCertificate(file: Uint8Array): AmdCertificate | undefined {
  const { modulusSize, pubexpSize } = AmdCertificateHead.decodeAt(file, 0);
  return modulusSize === 4096 && pubexpSize === 4096 ? decodeAmdCertificate(file) : undefined;
}

/** What the rows of a receiver look at; the certificate is its PDH. */
export interface ReceiverContext extends CertificateContext {
  readonly receiver: Receiver;
  /** Policy of the guest that is to be sent. */
  readonly policy: () => number;
}

/** The rows hold for a policy that has none of the flags. */
export const whenPolicyHas = <Context extends ReceiverContext>(
  flags: readonly PolicyFlag[],
  rows: readonly Precondition<Context>[],
): readonly Precondition<Context>[] =>
  rows.map(([condition, holds, ...status]) => [
    condition,
    (context) => !flags.some((flag) => hasPolicy(context.policy(), flag)) || holds(context),
    ...status,
  ]);

/** One link of the chain: whether there is a usable signature, and whether it is a good one. */
const signedRows = (
  names: string,
  pair: (context: ReceiverContext) => readonly [SevCertificate, SevCertificate],
): readonly Precondition<ReceiverContext>[] => [
  [
    `${names}: the certificates can be used`,
    (context) => validateCertificate(...pair(context), context.sp.state.profile) !== 'INVALID_CERTIFICATE',
    'INVALID_CERTIFICATE',
  ],
  [
    `${names}: the signature verifies`,
    (context) => validateCertificate(...pair(context), context.sp.state.profile) === 'SUCCESS',
    'BAD_SIGNATURE',
  ],
];

/**
 * Whether the policy lets the guest go to this receiver (55766, SEND_START). A policy with neither DOMAIN nor SEV asks
 * for no signature at all: anybody's certificate will do. Firmware 1.55 knows the root by a hash in its fuses.
 * DEVIATION: the fuses here hold the emulated root instead of AMD's.
 */
export const receiverRows: readonly Precondition<ReceiverContext>[] = [
  ...whenPolicyHas(
    ['SEV'],
    [
      [
        'ARK is the root in the fuses',
        ({ receiver }) => equal(encoded(receiver.ark()), EMULATED_ARK),
        'INVALID_CERTIFICATE',
      ],
      ['ASK is certified by the ARK', ({ receiver }) => namesRoot(receiver), 'INVALID_CERTIFICATE'],
      [
        'ARK signed the ASK',
        ({ receiver }) => verifyAmdCertificate(receiver.ask()!, receiver.ark()!),
        'BAD_SIGNATURE',
      ],
      [
        'CEK has a signature by an ASK',
        ({ receiver }) => hasAskSignature(receiver.cek()),
        'INVALID_CERTIFICATE',
      ],
      [
        'ASK signed the CEK',
        ({ receiver }) => verifyCekSignature(receiver.cek(), receiver.ask()!),
        'BAD_SIGNATURE',
      ],
      ...signedRows('CEK signs PEK', ({ receiver }) => [receiver.pek(), receiver.cek()]),
    ],
  ),
  ...whenPolicyHas(
    ['DOMAIN'],
    signedRows('OCA signs PEK', ({ receiver }) => [receiver.pek(), receiver.oca()]),
  ),
  ...whenPolicyHas(
    ['DOMAIN', 'SEV'],
    signedRows('PEK signs PDH', ({ receiver, certificate }) => [certificate(), receiver.pek()]),
  ),
  ...whenPolicyHas(
    ['SEV'],
    [
      [
        'receiver is as new as the policy asks',
        ({ receiver, policy }) => isAtLeast(receiver.pek(), policy()),
        'POLICY_FAILURE',
      ],
    ],
  ),
  ...whenPolicyHas(
    ['DOMAIN'],
    [['receiver has the same owner', ({ sp, receiver }) => hasOwnerOf(sp, receiver), 'POLICY_FAILURE']],
  ),
];

const encoded = (certificate: AmdCertificate | undefined): Uint8Array =>
  certificate === undefined ? new Uint8Array(0) : encodeAmdCertificate(certificate);

function namesRoot({ ask, ark }: Receiver): boolean {
  const head = ask()?.head;
  return head?.keyUsage === KEY_USAGE.ASK && equal(head.certifyingId, ark()!.head.keyId);
}

const hasAskSignature = (cek: SevCertificate): boolean =>
  cek.pubkeyUsage === KEY_USAGE.CEK && signatureSlots(cek).some(({ usage }) => usage === KEY_USAGE.ASK);

const hasOwnerOf = (sp: SecureProcessor, { oca }: Receiver): boolean =>
  equal(SevCertificate.encode(oca()), SevCertificate.encode(sp.identity.oca.certificate));
