import { isAligned, spa } from '@sevlab/codec/address';
import { LaunchUpdateBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';

/** The AMD-SP's scratch memory, in bytes: data is worked on in pieces of this size (firmware behaviour (Genoa 1.55)). */
const CHUNK = 0x5000;

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
    for (let offset = 0; offset < cmd.length; offset += CHUNK) {
      const address = spa(cmd.paddr + BigInt(offset));
      const length = Math.min(CHUNK, cmd.length - offset);
      const reach = sp.reachable(address, length);
      if (reach !== 'SUCCESS') return reach;
      const piece = sp.memory.read(address, length);
      guest.runningDigest.update(piece);
      sp.memory.writeEncrypted(address, piece, guest.asid);
    }
    return 'SUCCESS';
  },
});
