import type { Spa } from '@sevlab/codec/address';
import { CERT_CHAIN_SIZE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { SendStartBuffer } from '@sevlab/codec/sev/command';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { wrapSession } from '@sevlab/sev-channel/session';
import { type CommandContext, command } from '../command.ts';
import type { Guest } from '../guest.ts';
import { agree, certificateRows, openCertificate } from '../guest-start.ts';
import { type Precondition, reachable } from '../preconditions.ts';
import {
  AMD_CERTS_SIZE,
  openReceiver,
  type ReceiverContext,
  receiverRows,
  whenPolicyHas,
} from '../receiver.ts';
import type { SecureProcessor } from '../secure-processor.ts';

interface Context extends CommandContext<SendStartBuffer>, ReceiverContext {
  readonly sp: SecureProcessor;
  readonly guest: () => Guest;
}

function open(sp: SecureProcessor, cmd: SendStartBuffer): Context {
  const guest = () => sp.guest(cmd.handle);
  return {
    sp,
    cmd,
    guest,
    policy: () => guest().policy,
    receiver: openReceiver(sp, cmd.platCertsPaddr, cmd.amdCertsPaddr),
    ...openCertificate(sp, cmd.pdhCertPaddr),
  };
}

/** SESSION_LEN is right; if not, it becomes what is needed. */
function sessionLengthIsRight({ cmd }: Context): boolean {
  if (cmd.sessionLen === LaunchSession.size) return true;
  cmd.sessionLen = LaunchSession.size;
  return false;
}

/** One buffer with certificates: its length, and where it lies. */
const certificatesRows = (
  field: string,
  size: number,
  buffer: (cmd: SendStartBuffer) => readonly [Spa, number],
): readonly Precondition<Context>[] => [
  [`${field}_LEN is 0x${size.toString(16)}`, ({ cmd }) => buffer(cmd)[1] === size, 'INVALID_LENGTH'],
  ...reachable<Context>(`${field}_PADDR`, ({ cmd }) => [buffer(cmd)[0], size]),
];

/**
 * 55766, SEND_START; order as firmware 1.55 answers, as far as it is known: buffers of certificates before what is in
 * them, the root before the leaf.
 */
export const SEND_START = command({
  buffer: SendStartBuffer,
  transfer: 'inout-length',
  open,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['SESSION_LEN is 0x80', sessionLengthIsRight, 'INVALID_LENGTH'],
    ['guest is RUNNING', ({ guest }) => guest().state === 'RUNNING', 'INVALID_GUEST_STATE'],
    ['policy allows sending', ({ policy }) => !hasPolicy(policy(), 'NOSEND'), 'POLICY_FAILURE'],
    ...certificatesRows('PDH_CERT', SevCertificate.size, (cmd) => [cmd.pdhCertPaddr, cmd.pdhCertLen]),
    ...whenPolicyHas(
      ['DOMAIN', 'SEV'],
      certificatesRows('PLAT_CERTS', CERT_CHAIN_SIZE, (cmd) => [cmd.platCertsPaddr, cmd.platCertsLen]),
    ),
    ...whenPolicyHas(
      ['SEV'],
      certificatesRows('AMD_CERTS', AMD_CERTS_SIZE, (cmd) => [cmd.amdCertsPaddr, cmd.amdCertsLen]),
    ),
    ...certificateRows,
    ...receiverRows,
    ...reachable<Context>('SESSION_PADDR', ({ cmd }) => [cmd.sessionPaddr, LaunchSession.size]),
  ],
  effect: ({ sp, cmd, guest, point }) => {
    const channel = { tek: sp.entropy.bytes(16), tik: sp.entropy.bytes(16) };
    const nonce = sp.entropy.bytes(16);
    const wrapIv = sp.entropy.bytes(16);
    const { policy } = guest();
    const z = agree(sp, point()!);
    const session = wrapSession({ z, nonce, wrapIv, ...channel, policy });
    sp.memory.write(cmd.sessionPaddr, LaunchSession.encode(session));
    Object.assign(guest(), { channel, state: 'SUPDATE' } satisfies Partial<Guest>);
    cmd.policy = policy;
    return 'SUCCESS';
  },
});
