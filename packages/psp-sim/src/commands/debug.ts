import { isAligned, type Spa } from '@sevlab/codec/address';
import { DebugBuffer } from '@sevlab/codec/sev/command';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { type CommandContext, command, plain } from '../command.ts';
import type { Guest } from '../guest.ts';
import type { Precondition } from '../preconditions.ts';
import { inPieces, pieceAt, SCRATCH_SIZE } from '../scratch.ts';
import type { SecureProcessor } from '../secure-processor.ts';

type Context = CommandContext<DebugBuffer>;

/** The guest's state does not matter: a secret can be read as soon as it was injected. */
const preconditions: readonly Precondition<Context>[] = [
  ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
  ['SRC_PADDR is 16-byte aligned', ({ cmd }) => isAligned(cmd.srcPaddr, 16), 'INVALID_ADDRESS'],
  ['DST_PADDR is 16-byte aligned', ({ cmd }) => isAligned(cmd.dstPaddr, 16), 'INVALID_ADDRESS'],
  ['LENGTH is a multiple of 16', ({ cmd }) => isAligned(cmd.length, 16), 'INVALID_LENGTH'],
  ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
  [
    'policy allows debugging',
    ({ sp, cmd }) => !hasPolicy(sp.guest(cmd.handle).policy, 'NODBG'),
    'POLICY_FAILURE',
  ],
  ['guest has an ASID', ({ sp, cmd }) => sp.guest(cmd.handle).activation !== 'inactive', 'INACTIVE'],
  [
    'LENGTH is not 0',
    ({ cmd }) => cmd.length !== 0,
    'INVALID_PARAM',
    ({ debugLengthZero }) => debugLengthZero,
  ],
];

/** Copies piece by piece: a bad address shows at the piece that meets it, and what lies before it stays copied. */
function copy(
  { sp, cmd }: Context,
  move: (from: Spa, to: Spa, length: number, guest: Guest) => void,
): SevStatus {
  const guest = sp.guest(cmd.handle);
  return inPieces(cmd.length, SCRATCH_SIZE, (piece) => {
    const from = pieceAt(cmd.srcPaddr, piece);
    const to = pieceAt(cmd.dstPaddr, piece);
    const reach = bothReachable(sp, from, to, piece.length);
    if (reach === 'SUCCESS') move(from, to, piece.length, guest);
    return reach;
  });
}

function bothReachable(sp: SecureProcessor, from: Spa, to: Spa, length: number): SevStatus {
  const reach = sp.reachable(from, length);
  return reach === 'SUCCESS' ? sp.reachable(to, length) : reach;
}

/** 55766, DBG_DECRYPT; order as firmware 1.55 answers. SRC through the guest's key, DST as it is. */
export const DBG_DECRYPT = command({
  buffer: DebugBuffer,
  transfer: 'in',
  open: plain,
  preconditions,
  effect: (context) =>
    copy(context, (from, to, length, { asid }) => {
      const { memory } = context.sp;
      memory.write(to, memory.readEncrypted(from, length, asid));
    }),
});

/** 55766, DBG_ENCRYPT; order as firmware 1.55 answers. SRC as it is, DST through the guest's key. */
export const DBG_ENCRYPT = command({
  buffer: DebugBuffer,
  transfer: 'in',
  open: plain,
  preconditions,
  effect: (context) =>
    copy(context, (from, to, length, { asid }) => {
      const { memory } = context.sp;
      memory.writeEncrypted(to, memory.read(from, length), asid);
    }),
});
