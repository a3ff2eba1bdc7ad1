import { concat } from '@sevlab/codec/bytes';
import { CERT_CHAIN_SIZE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { PdhCertExportBuffer } from '@sevlab/codec/sev/command';
import { type CommandContext, command, plain } from '../command.ts';
import { reachable } from '../preconditions.ts';

/** What both buffers need, in bytes. */
const NEEDED = {
  pdhLen: SevCertificate.size,
  certsLen: CERT_CHAIN_SIZE,
} satisfies Partial<PdhCertExportBuffer>;

/** Both buffers are long enough; if not, both lengths become what is needed. */
function lengthsSuffice({ cmd }: CommandContext<PdhCertExportBuffer>): boolean {
  if (cmd.pdhLen >= NEEDED.pdhLen && cmd.certsLen >= NEEDED.certsLen) return true;
  Object.assign(cmd, NEEDED);
  return false;
}

/** 55766, PDH_CERT_EXPORT. The CEK in the chain is unsigned: AMD's key distribution service signs it. */
export const PDH_CERT_EXPORT = command({
  buffer: PdhCertExportBuffer,
  transfer: 'inout-length',
  open: plain,
  preconditions: [
    ['platform is INIT or WORKING', ({ sp }) => sp.state.platform !== 'UNINIT', 'INVALID_PLATFORM_STATE'],
    ['PDH_LEN and CERTS_LEN suffice', lengthsSuffice, 'INVALID_LENGTH'],
    ...reachable<CommandContext<PdhCertExportBuffer>>('PDH_PADDR', ({ cmd }) => [
      cmd.pdhPaddr,
      SevCertificate.size,
    ]),
  ],
  effect: ({ sp, cmd }) => {
    const { pdh, pek, oca } = sp.identity;
    sp.memory.write(cmd.pdhPaddr, SevCertificate.encode(pdh.certificate));
    const certs = sp.reachable(cmd.certsPaddr, CERT_CHAIN_SIZE); // tested after the PDH is already written
    if (certs !== 'SUCCESS') return certs;
    const chain = [pek, oca, sp.cek].map(({ certificate }) => SevCertificate.encode(certificate));
    sp.memory.write(cmd.certsPaddr, concat(...chain));
    Object.assign(cmd, NEEDED);
    return 'SUCCESS';
  },
});
