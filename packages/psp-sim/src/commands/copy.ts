import { isAligned } from '@sevlab/codec/address';
import { CopyBuffer } from '@sevlab/codec/sev/command';
import { command, plain } from '../command.ts';
import { inPieces, pieceAt } from '../scratch.ts';

const PAGE = 4096;

/**
 * 55766, COPY: a guest's pages to other places, where they have another ciphertext. The order of the checks is our
 * reading; no source fixes it. Page by page: a bad address shows at the page that meets it.
 */
export const COPY = command({
  buffer: CopyBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['SRC_PADDR is 4 KiB aligned', ({ cmd }) => isAligned(cmd.srcPaddr, PAGE), 'INVALID_ADDRESS'],
    ['DST_PADDR is 4 KiB aligned', ({ cmd }) => isAligned(cmd.dstPaddr, PAGE), 'INVALID_ADDRESS'],
    ['LENGTH is not 0', ({ cmd }) => cmd.length !== 0, 'INVALID_LENGTH'],
    ['LENGTH is a multiple of 4096', ({ cmd }) => isAligned(cmd.length, PAGE), 'INVALID_LENGTH'],
    ['guest has an ASID', ({ sp, cmd }) => sp.guest(cmd.handle).activation !== 'inactive', 'INACTIVE'],
  ],
  effect: ({ sp, cmd }) => {
    const { asid } = sp.guest(cmd.handle);
    return inPieces(cmd.length, PAGE, (page) => {
      const from = pieceAt(cmd.srcPaddr, page);
      const to = pieceAt(cmd.dstPaddr, page);
      for (const address of [from, to]) {
        const reach = sp.reachable(address, PAGE);
        if (reach !== 'SUCCESS') return reach;
      }
      sp.memory.writeEncrypted(to, sp.memory.readEncrypted(from, PAGE, asid), asid);
      return 'SUCCESS';
    });
  },
});
