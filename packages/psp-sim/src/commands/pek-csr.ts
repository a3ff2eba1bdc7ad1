import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { PekCsrBuffer } from '@sevlab/codec/sev/command';
import { signingRequest } from '@sevlab/sev-channel/certificate';
import { type CommandContext, command, plain } from '../command.ts';
import { reachable } from '../preconditions.ts';

/** The buffer is long enough; if not, its length becomes what is needed. */
function lengthSuffices({ cmd }: CommandContext<PekCsrBuffer>): boolean {
  if (cmd.csrLen >= SevCertificate.size) return true;
  cmd.csrLen = SevCertificate.size;
  return false;
}

/** 55766, PEK_CSR: the PEK certificate with both signature slots empty, for an owner to sign. */
export const PEK_CSR = command({
  buffer: PekCsrBuffer,
  transfer: 'inout-length',
  open: plain,
  preconditions: [
    [
      'platform is INIT, or WORKING where that is allowed',
      ({ sp: { state } }) =>
        state.platform === 'INIT' || (state.platform === 'WORKING' && state.profile.pekCsrInWorking),
      'INVALID_PLATFORM_STATE',
    ],
    ['CSR_LEN suffices', lengthSuffices, 'INVALID_LENGTH'],
    ...reachable<CommandContext<PekCsrBuffer>>('CSR_PADDR', ({ cmd }) => [cmd.csrPaddr, SevCertificate.size]),
  ],
  effect: ({ sp, cmd }) => {
    sp.memory.write(cmd.csrPaddr, SevCertificate.encode(signingRequest(sp.identity.pek.certificate)));
    cmd.csrLen = SevCertificate.size;
    return 'SUCCESS';
  },
});
