import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { LaunchStartBuffer } from '@sevlab/codec/sev/command';
import { hasPolicy, POLICY_RESERVED_MASK, policyApi } from '@sevlab/codec/sev/policy';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { decodePoint } from '@sevlab/sev-channel/certificate';
import { macEqual } from '@sevlab/sev-channel/mac';
import type { FirmwareVersion } from '@sevlab/sev-channel/measurement';
import { type Point, sharedSecret } from '@sevlab/sev-channel/p384';
import { policyMac, unwrapSession } from '@sevlab/sev-channel/session';
import { type CommandContext, command, once } from '../command.ts';
import { type Channel, createGuest, ZERO_CHANNEL } from '../guest.ts';
import { type Precondition, reachable } from '../preconditions.ts';
import type { SecureProcessor } from '../secure-processor.ts';

interface Context extends CommandContext<LaunchStartBuffer> {
  readonly session: () => LaunchSession;
  readonly certificate: () => SevCertificate;
  /** The guest owner's public key, unless it is no point of the curve. */
  readonly point: () => Point | undefined;
  /** The unwrapped transport keys, unless WRAP_MAC is wrong. */
  readonly keys: () => Channel | undefined;
}

function open(sp: SecureProcessor, cmd: LaunchStartBuffer): Context {
  const session = once(() => LaunchSession.decode(sp.memory.read(cmd.sessionPaddr, LaunchSession.size)));
  const certificate = once(() => SevCertificate.decode(sp.memory.read(cmd.dhCertPaddr, SevCertificate.size)));
  const point = once(() => decodePoint(certificate().pubkey));
  const keys = once(() => unwrapSession(sharedSecret(sp.identity.pdh.key.d, point()!), session()));
  return { sp, cmd, session, certificate, point, keys };
}

const USAGES: readonly number[] = Object.values(KEY_USAGE);

/** Checked only when there is a session: DH_CERT_PADDR 0 means a launch without one. */
const sessionRows: readonly Precondition<Context>[] = [
  ['SESSION_LEN is 0x80', ({ cmd }) => cmd.sessionLen === LaunchSession.size, 'INVALID_LENGTH'],
  ...reachable<Context>('SESSION_PADDR', ({ cmd }) => [cmd.sessionPaddr, LaunchSession.size]),
  ['DH_CERT_LEN is 0x824', ({ cmd }) => cmd.dhCertLen === SevCertificate.size, 'INVALID_LENGTH'],
  ...reachable<Context>('DH_CERT_PADDR', ({ cmd }) => [cmd.dhCertPaddr, SevCertificate.size]),
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
    ({ certificate }) => certificate().pubkeyAlgo === KEY_ALGO.ECDH_SHA256,
    'INVALID_CERTIFICATE',
  ],
  ['WRAP_MAC matches', ({ keys }) => keys() !== undefined, 'BAD_MEASUREMENT'],
  [
    'POLICY_MAC matches',
    ({ keys, session, cmd }) => macEqual(session().policyMac, policyMac(keys()!.tik, cmd.policy)),
    'BAD_MEASUREMENT',
  ],
  [
    'firmware is as new as the policy asks',
    ({ sp, cmd }) => isAtLeast(sp.state.profile.version, policyApi(cmd.policy)),
    'POLICY_FAILURE',
  ],
  ['policy bits 15:6 are zero', ({ cmd }) => (cmd.policy & POLICY_RESERVED_MASK) === 0, 'POLICY_FAILURE'],
];

const withSession = ([condition, holds, status]: Precondition<Context>): Precondition<Context> => [
  condition,
  (context) => context.cmd.dhCertPaddr === 0n || holds(context),
  status,
];

/** The guest whose key is to be shared, if any. */
const sharesWith = ({ sp, cmd }: Context) => (cmd.handle === 0 ? undefined : sp.guest(cmd.handle));

/**
 * 55766, LAUNCH_START; order as firmware 1.55 answers. The certificate's signatures are not looked at.
 * VERSION: without a session firmware 1.55 checks neither the reserved bits nor the version of the policy, and the
 * transport keys are zero; this follows the firmware.
 */
export const LAUNCH_START = command({
  buffer: LaunchStartBuffer,
  transfer: 'inout',
  open,
  preconditions: [
    ['platform is INIT or WORKING', ({ sp }) => sp.state.platform !== 'UNINIT', 'INVALID_PLATFORM_STATE'],
    ...sessionRows.map(withSession),
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
    ['policy does not ask for SEV-ES', ({ cmd }) => !hasPolicy(cmd.policy, 'ES'), 'UNSUPPORTED'],
  ],
  effect: (context) => {
    const { sp, cmd, keys } = context;
    const vekSeed = sharesWith(context)?.vekSeed ?? sp.entropy.bytes(32);
    sp.entropy.bytes(32); // the offline encryption key, which only SWAP_OUT would use
    const handle = sp.freeHandle()!;
    sp.state.guests.set(
      handle,
      createGuest(cmd.policy, vekSeed, cmd.dhCertPaddr === 0n ? ZERO_CHANNEL : keys()!),
    );
    sp.state.platform = 'WORKING';
    cmd.handle = handle;
    return 'SUCCESS';
  },
});

const isAtLeast = (
  { apiMajor, apiMinor }: FirmwareVersion,
  wanted: { major: number; minor: number },
): boolean => apiMajor > wanted.major || (apiMajor === wanted.major && apiMinor >= wanted.minor);
