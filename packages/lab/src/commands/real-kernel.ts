import { findGuestParts, type GuestParts } from '@sevlab/real-guest/guest-parts';
import { QEMU } from '@sevlab/real-guest/qemu';
import { BUILD_GUEST, REAL_GUEST_FOLDER } from '../root-folder.ts';
import { systemReason } from '../system-reason.ts';
import { CommandError, EXIT } from './exit.ts';

/** The guest kernel and what belongs to it. Throws CommandError when nobody built it; `instead` is another way. */
export function guestParts(instead = ''): GuestParts {
  const parts = findGuestParts(REAL_GUEST_FOLDER);
  if (parts !== undefined) return parts;
  throw new CommandError(
    EXIT.state,
    `there is no guest kernel yet; try ${BUILD_GUEST}, which makes one in some minutes${instead}`,
  );
}

/** Runs something that starts QEMU. Throws CommandError when that cannot be started, or finds no room. */
export async function withQemu<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if ((error as { code?: string; path?: string }).path === QEMU)
      throw new CommandError(
        EXIT.state,
        `${QEMU}: it cannot be started; try apt-get install --no-install-recommends qemu-system-x86`,
      );
    if (error instanceof Error && 'syscall' in error)
      throw new CommandError(
        EXIT.usage,
        `${systemReason(error)}; expected room for the guest's RAM in a temporary folder`,
      );
    throw error;
  }
}
