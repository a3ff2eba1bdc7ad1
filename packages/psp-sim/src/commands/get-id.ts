import { createECDH } from 'node:crypto';
import { GetIdBuffer } from '@sevlab/codec/sev/command';
import { type CommandContext, command, plain } from '../command.ts';
import { reachable } from '../preconditions.ts';

/** Bytes of the identifier of one chip. */
const ID_SIZE = 0x40;

/** The buffer is long enough; if not, its length becomes what is needed. */
function lengthSuffices({ cmd }: CommandContext<GetIdBuffer>): boolean {
  if (cmd.idLen >= ID_SIZE) return true;
  cmd.idLen = ID_SIZE;
  return false;
}

/** 55766, GET_ID; answers in every state. NOT MODELLED: a second socket, whose identifier would follow. */
export const GET_ID = command({
  buffer: GetIdBuffer,
  transfer: 'inout-length',
  open: plain,
  preconditions: [
    ['ID_LEN suffices', lengthSuffices, 'INVALID_LENGTH'],
    ...reachable<CommandContext<GetIdBuffer>>('ID_PADDR', ({ cmd }) => [cmd.idPaddr, ID_SIZE]),
  ],
  effect: ({ sp, cmd }) => {
    sp.memory.write(cmd.idPaddr, chipId(sp.state.cuk));
    cmd.idLen = ID_SIZE;
    return 'SUCCESS';
  },
});

/** X and Y of CUK times the generator of secp256k1, 32 bytes each, big endian (firmware behaviour (Genoa 1.55)). */
function chipId(cuk: Uint8Array): Uint8Array {
  const chip = createECDH('secp256k1');
  chip.setPrivateKey(cuk);
  return new Uint8Array(chip.getPublicKey()).slice(1); // behind the byte that says uncompressed
}
