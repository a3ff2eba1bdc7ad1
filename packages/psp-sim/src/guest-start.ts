import type { Spa } from '@sevlab/codec/address';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { hasPolicy, POLICY_RESERVED_MASK, policyApi } from '@sevlab/codec/sev/policy';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { decodePoint } from '@sevlab/sev-channel/certificate';
import { macEqual } from '@sevlab/sev-channel/mac';
import type { FirmwareVersion } from '@sevlab/sev-channel/measurement';
import { type Point, sharedSecret, uncheckedSecret } from '@sevlab/sev-channel/p384';
import { policyMac, unwrapSession } from '@sevlab/sev-channel/session';
import { type CommandContext, once } from './command.ts';
import type { Channel, Guest } from './guest.ts';
import { type Precondition, reachable } from './preconditions.ts';
import type { SecureProcessor } from './secure-processor.ts';

/** What the rows of a Diffie-Hellman certificate look at. */
export interface CertificateContext {
  readonly sp: SecureProcessor;
  readonly certificate: () => SevCertificate;
  /** The public key, unless it is no point of the curve. */
  readonly point: () => Point | undefined;
}

/** Reads the certificate when a row first asks. */
export function openCertificate(sp: SecureProcessor, paddr: Spa): Omit<CertificateContext, 'sp'> {
  const certificate = once(() => SevCertificate.decode(sp.memory.read(paddr, SevCertificate.size)));
  return { certificate, point: once(() => decodePoint(certificate().pubkey, sp.state.profile)) };
}

/** What the platform's PDH and `point` have in common: 48 bytes. */
export function agree({ identity, state }: SecureProcessor, point: Point): Uint8Array {
  return (state.profile.curveCheck ? sharedSecret : uncheckedSecret)(identity.pdh.key.d, point);
}

const USAGES: readonly number[] = Object.values(KEY_USAGE);

/** The body of a certificate for key agreement. Its signatures are not looked at. */
export const certificateRows: readonly Precondition<CertificateContext>[] = [
  ['certificate VERSION is 1', ({ certificate }) => certificate().version === 1, 'INVALID_CERTIFICATE'],
  [
    'certificate usage is known',
    ({ certificate }) => USAGES.includes(certificate().pubkeyUsage),
    'INVALID_CERTIFICATE',
  ],
  ['public key is a point of P-384', ({ point }) => point() !== undefined, 'INVALID_CERTIFICATE'],
  [
    'certificate usage is PDH',
    ({ certificate }) => certificate().pubkeyUsage === KEY_USAGE.PDH,
    'INVALID_CERTIFICATE',
  ],
  [
    'certificate algorithm is ECDH-SHA256',
    ({ sp, certificate }) => agrees(sp, certificate().pubkeyAlgo),
    'INVALID_CERTIFICATE',
  ],
];

const agrees = (sp: SecureProcessor, algo: number): boolean =>
  algo === KEY_ALGO.ECDH_SHA256 || (sp.state.profile.ecdhSha384 && algo === KEY_ALGO.ECDH_SHA384);

/** The fields that LAUNCH_START and RECEIVE_START have in common. */
interface StartBuffer {
  handle: number;
  readonly policy: number;
  readonly sessionPaddr: Spa;
  readonly sessionLen: number;
}

/** What the rows of a session look at. */
export interface SessionContext<Buffer extends StartBuffer>
  extends CommandContext<Buffer>,
    CertificateContext {
  /** Where the certificate lies, and how many bytes it is said to have. */
  readonly dhCert: readonly [Spa, number];
  readonly session: () => LaunchSession;
  /** The unwrapped transport keys, unless WRAP_MAC is wrong. */
  readonly keys: () => Channel | undefined;
}

/** Reads certificate and session when a row first asks. */
export function openSession<Buffer extends StartBuffer>(
  sp: SecureProcessor,
  cmd: Buffer,
  dhCert: readonly [Spa, number],
): SessionContext<Buffer> {
  const session = once(() => LaunchSession.decode(sp.memory.read(cmd.sessionPaddr, LaunchSession.size)));
  const { certificate, point } = openCertificate(sp, dhCert[0]);
  const keys = once(() => unwrapSession(agree(sp, point()!), session()));
  return { sp, cmd, dhCert, session, certificate, point, keys };
}

/** Certificate and session of the other side; `field` is what the command calls the certificate. */
export const sessionRows = <Buffer extends StartBuffer>(
  field: 'DH_CERT' | 'PDH_CERT',
): readonly Precondition<SessionContext<Buffer>>[] => [
  ['SESSION_LEN is 0x80', ({ cmd }) => cmd.sessionLen === LaunchSession.size, 'INVALID_LENGTH'],
  ...reachable<SessionContext<Buffer>>('SESSION_PADDR', ({ cmd }) => [cmd.sessionPaddr, LaunchSession.size]),
  [`${field}_LEN is 0x824`, ({ dhCert: [, length] }) => length === SevCertificate.size, 'INVALID_LENGTH'],
  ...reachable<SessionContext<Buffer>>(`${field}_PADDR`, ({ dhCert: [paddr] }) => [
    paddr,
    SevCertificate.size,
  ]),
  ...certificateRows,
  ['WRAP_MAC matches', ({ keys }) => keys() !== undefined, 'BAD_MEASUREMENT'],
  [
    'POLICY_MAC matches',
    ({ keys, session, cmd }) => macEqual(session().policyMac, policyMac(keys()!.tik, cmd.policy)),
    'BAD_MEASUREMENT',
  ],
];

/** What the policy asks of the firmware. */
export const policyRows: readonly Precondition<CommandContext<{ readonly policy: number }>>[] = [
  [
    'firmware is as new as the policy asks',
    ({ sp, cmd }) => isAtLeast(sp.state.profile.version, cmd.policy),
    'POLICY_FAILURE',
  ],
  ['policy bits 15:6 are zero', ({ cmd }) => (cmd.policy & POLICY_RESERVED_MASK) === 0, 'POLICY_FAILURE'],
];

/** Whether an API version is at least the one that a policy asks for. */
export function isAtLeast(
  { apiMajor, apiMinor }: Pick<FirmwareVersion, 'apiMajor' | 'apiMinor'>,
  policy: number,
): boolean {
  const { major, minor } = policyApi(policy);
  return apiMajor > major || (apiMajor === major && apiMinor >= minor);
}

type SlotContext = CommandContext<Pick<StartBuffer, 'handle' | 'policy'>>;

/** The guest whose key is to be shared, if any. */
const sharesWith = ({ sp, cmd }: SlotContext): Guest | undefined =>
  cmd.handle === 0 ? undefined : sp.guest(cmd.handle);

/** Where the new guest goes, and whose key it shares. */
export const slotRows: readonly Precondition<SlotContext>[] = [
  [
    'HANDLE is 0 or names a guest',
    ({ sp, cmd }) => cmd.handle === 0 || sp.hasGuest(cmd.handle),
    'INVALID_GUEST',
  ],
  [
    'a shared key has the same policy',
    (context) => (sharesWith(context)?.policy ?? context.cmd.policy) === context.cmd.policy,
    'POLICY_FAILURE',
  ],
  [
    'a shared key may be shared',
    (context) => !hasPolicy(sharesWith(context)?.policy ?? 0, 'NOKS'),
    'POLICY_FAILURE',
  ],
  ['a handle is free', ({ sp }) => sp.freeHandle() !== undefined, 'RESOURCE_LIMIT'],
  [
    'SEV-ES is on if the policy asks for it',
    ({ sp, cmd }) => sp.state.es || !hasPolicy(cmd.policy, 'ES'),
    'UNSUPPORTED',
  ],
];

/** 32 bytes for the new guest's memory key: those of the guest that it shares with, or new ones. */
export function takeVekSeed(context: SlotContext): Uint8Array {
  const { entropy } = context.sp;
  const vekSeed = sharesWith(context)?.vekSeed ?? entropy.bytes(32);
  entropy.bytes(32); // the offline encryption key, which only SWAP_OUT would use
  return vekSeed;
}

/** Puts the guest into the slot that `slotRows` found, and writes its handle into the command buffer. */
export function putGuest({ sp, cmd }: SlotContext, guest: Guest): void {
  cmd.handle = sp.freeHandle()!;
  sp.state.guests.set(cmd.handle, guest);
  sp.state.platform = 'WORKING';
}
