import { equal } from '@sevlab/codec/bytes';
import { KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { PekCertImportBuffer } from '@sevlab/codec/sev/command';
import {
  certificateBody,
  type Slot,
  signatureSlots,
  validateCertificate,
  withSlot,
} from '@sevlab/sev-channel/certificate';
import { type CommandContext, command, once } from '../command.ts';
import { createPdh, isExternallyOwned } from '../identity.ts';
import { changeIdentity } from '../identity-store.ts';
import { type Precondition, reachable } from '../preconditions.ts';
import type { SecureProcessor } from '../secure-processor.ts';

type Verdict = ReturnType<typeof validateCertificate>;

interface Context extends CommandContext<PekCertImportBuffer> {
  readonly oca: () => SevCertificate;
  readonly pek: () => SevCertificate;
  readonly ocaVerdict: () => Verdict;
  readonly pekVerdict: () => Verdict;
  /** The first empty signature slot of the PEK certificate, if any. */
  readonly freeSlot: () => Slot | undefined;
}

function open(sp: SecureProcessor, cmd: PekCertImportBuffer): Context {
  const { lastSignatureDecides } = sp.state.profile;
  const oca = once(() => SevCertificate.decode(sp.memory.read(cmd.ocaPaddr, SevCertificate.size)));
  const pek = once(() => SevCertificate.decode(sp.memory.read(cmd.pekPaddr, SevCertificate.size)));
  const ocaVerdict = once(() => validateCertificate(oca(), oca(), { lastSignatureDecides }));
  const pekVerdict = once(() => validateCertificate(pek(), oca(), { lastSignatureDecides }));
  const freeSlot = once(() => {
    const [first, second] = signatureSlots(pek()).map(({ usage }) => usage === KEY_USAGE.NONE);
    return first ? 1 : second ? 2 : undefined;
  });
  return { sp, cmd, oca, pek, ocaVerdict, pekVerdict, freeSlot };
}

/** The two ways in which a certificate fails against its parent. */
const validRows = (
  name: string,
  parent: string,
  verdict: (context: Context) => Verdict,
): readonly Precondition<Context>[] => [
  [
    `${name} bears a good signature by ${parent}`,
    (context) => verdict(context) !== 'BAD_SIGNATURE',
    'BAD_SIGNATURE',
  ],
  [
    `${name} is a certificate that ${parent} may sign`,
    (context) => verdict(context) === 'SUCCESS',
    'INVALID_CERTIFICATE',
  ],
];

/**
 * 55766, PEK_CERT_IMPORT; order as firmware 1.55 answers. The PEK stays the same key, and now bears the owner's
 * signature besides the chip's. NOT MODELLED: an OCA with an RSA key whose modulus is not a whole number of bytes.
 */
export const PEK_CERT_IMPORT = command({
  buffer: PekCertImportBuffer,
  transfer: 'in',
  open,
  preconditions: [
    ['platform is INIT', ({ sp }) => sp.state.platform === 'INIT', 'INVALID_PLATFORM_STATE'],
    ['platform owns itself', ({ sp }) => !isExternallyOwned(sp.identity), 'ALREADY_OWNED'],
    ['PEK_LEN is 0x824', ({ cmd }) => cmd.pekLen === SevCertificate.size, 'INVALID_LENGTH'],
    ['OCA_LEN is 0x824', ({ cmd }) => cmd.ocaLen === SevCertificate.size, 'INVALID_LENGTH'],
    ...reachable<Context>('PEK_PADDR', ({ cmd }) => [cmd.pekPaddr, SevCertificate.size]),
    ...reachable<Context>('OCA_PADDR', ({ cmd }) => [cmd.ocaPaddr, SevCertificate.size]),
    ...validRows('OCA', 'itself', ({ ocaVerdict }) => ocaVerdict()),
    ...validRows('PEK', 'the OCA', ({ pekVerdict }) => pekVerdict()),
    [
      'PEK is the present one',
      ({ sp, pek }) => equal(certificateBody(pek()), certificateBody(sp.identity.pek.certificate)),
      'INVALID_CERTIFICATE',
    ],
    ['PEK has an empty signature slot', ({ freeSlot }) => freeSlot() !== undefined, 'INVALID_CERTIFICATE'],
  ],
  effect: ({ sp, oca, pek, freeSlot }) => {
    const { key, certificate } = sp.identity.pek;
    const byChip = signatureSlots(certificate).find(({ usage }) => usage === KEY_USAGE.CEK)!;
    const owned = { key, certificate: withSlot(pek(), freeSlot()!, byChip) };
    changeIdentity(sp, {
      oca: { key: undefined, certificate: oca() },
      pek: owned,
      pdh: createPdh(owned, sp.state.profile.version, sp.entropy),
    });
    return 'SUCCESS';
  },
});
