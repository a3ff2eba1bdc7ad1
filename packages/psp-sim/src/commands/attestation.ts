import { AttestationReport } from '@sevlab/codec/sev/attestation';
import { AttestationBuffer } from '@sevlab/codec/sev/command';
import { signAttestation } from '@sevlab/sev-channel/attestation';
import { type CommandContext, command, plain } from '../command.ts';
import type { GuestState } from '../guest.ts';
import { reachable } from '../preconditions.ts';

type Context = CommandContext<AttestationBuffer>;

const STATES: readonly GuestState[] = ['LSECRET', 'RUNNING', 'SUPDATE', 'SENT'];

/** The buffer is long enough; if not, its length becomes what is needed. */
function lengthSuffices({ cmd }: Context): boolean {
  if (cmd.length >= AttestationReport.size) return true;
  cmd.length = AttestationReport.size;
  return false;
}

/**
 * 55766, ATTESTATION; order as firmware 1.55 answers. MNONCE only comes back. A guest that came from another platform
 * has a digest of zeros.
 */
export const ATTESTATION = command({
  buffer: AttestationBuffer,
  transfer: 'inout-length',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    [
      'guest is in LSECRET, RUNNING, SUPDATE or SENT',
      ({ sp, cmd }) => STATES.includes(sp.guest(cmd.handle).state),
      'INVALID_GUEST_STATE',
    ],
    ['LENGTH suffices', lengthSuffices, 'INVALID_LENGTH'],
    ...reachable<Context>('PADDR', ({ cmd }) => [cmd.paddr, AttestationReport.size]),
  ],
  effect: ({ sp, cmd }) => {
    const { policy, launchDigest = new Uint8Array(32) } = sp.guest(cmd.handle);
    const attested = { mnonce: cmd.mnonce, launchDigest, policy };
    const report = signAttestation(attested, sp.identity.pek.key.d, sp.entropy);
    sp.memory.write(cmd.paddr, AttestationReport.encode(report));
    cmd.length = AttestationReport.size;
    return 'SUCCESS';
  },
});
