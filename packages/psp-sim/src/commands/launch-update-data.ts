import { isAligned } from '@sevlab/codec/address';
import { LaunchUpdateBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { inPieces, pieceAt, SCRATCH_SIZE } from '../scratch.ts';

/**
 * 55766, LAUNCH_UPDATE_DATA; order as firmware 1.55 answers. A bad address shows at the piece that meets it:
 * what lies before it stays measured and encrypted.
 */
export const LAUNCH_UPDATE_DATA = command({
  buffer: LaunchUpdateBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['guest is in LUPDATE', ({ sp, cmd }) => sp.guest(cmd.handle).state === 'LUPDATE', 'INVALID_GUEST_STATE'],
    ['guest has an ASID', ({ sp, cmd }) => sp.guest(cmd.handle).activation !== 'inactive', 'INACTIVE'],
    ['PADDR is 16-byte aligned', ({ cmd }) => isAligned(cmd.paddr, 16), 'INVALID_ADDRESS'],
    ['LENGTH is not 0', ({ cmd }) => cmd.length !== 0, 'INVALID_LENGTH'],
    ['LENGTH is a multiple of 16', ({ cmd }) => isAligned(cmd.length, 16), 'INVALID_LENGTH'],
  ],
  effect: ({ sp, cmd }) => {
    const guest = sp.guest(cmd.handle);
    const scratch = new Uint8Array(Math.min(cmd.length, SCRATCH_SIZE));
    return inPieces(cmd.length, SCRATCH_SIZE, (piece) => {
      const address = pieceAt(cmd.paddr, piece);
      const reach = sp.reachable(address, piece.length);
      if (reach !== 'SUCCESS') return reach;
      const bytes = scratch.subarray(0, piece.length);
      sp.memory.readInto(address, bytes);
      guest.runningDigest.update(bytes);
      sp.memory.writeEncrypted(address, bytes, guest.asid);
      return 'SUCCESS';
    });
  },
});
