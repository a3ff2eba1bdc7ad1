import { isAligned } from '@sevlab/codec/address';
import { LaunchUpdateBuffer } from '@sevlab/codec/sev/command';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import { VMSA_SIZE } from '@sevlab/machine/vmsa';
import { type CommandContext, command, plain } from '../command.ts';
import { type Precondition, reachable } from '../preconditions.ts';
import { hasFreeCell, placeVmsa } from '../vmsa-cells.ts';

type Context = CommandContext<LaunchUpdateBuffer>;

const lengthIsRight = ({ cmd }: Context): boolean => cmd.length === VMSA_SIZE;

const cellIsFree: Precondition<Context> = [
  'a checksum cell is free, before anything is measured',
  ({ sp }) => sp.state.profile.refusedVmsaIsMeasured || hasFreeCell(sp),
  'RESOURCE_LIMIT',
];

/**
 * 55766, LAUNCH_UPDATE_VMSA; order as firmware 1.55 answers. The page is measured as it is, then gets the place of its
 * checksum, and is encrypted: what the guest's core loads is not quite what was measured.
 */
export const LAUNCH_UPDATE_VMSA = command({
  buffer: LaunchUpdateBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    [
      'LENGTH is 0x1000, before anything else',
      (context) => !context.sp.state.profile.vmsaLengthFirst || lengthIsRight(context),
      'INVALID_LENGTH',
    ],
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['guest is in LUPDATE', ({ sp, cmd }) => sp.guest(cmd.handle).state === 'LUPDATE', 'INVALID_GUEST_STATE'],
    ['guest has SEV-ES', ({ sp, cmd }) => hasPolicy(sp.guest(cmd.handle).policy, 'ES'), 'UNSUPPORTED'],
    ['guest has an ASID', ({ sp, cmd }) => sp.guest(cmd.handle).activation !== 'inactive', 'INACTIVE'],
    [
      'PADDR is aligned, to 16 bytes or to 4 KiB',
      ({ sp, cmd }) => isAligned(cmd.paddr, sp.state.profile.vmsaPageAligned ? VMSA_SIZE : 16),
      'INVALID_ADDRESS',
    ],
    ['LENGTH is 0x1000', lengthIsRight, 'INVALID_LENGTH'],
    ...reachable<Context>('PADDR', ({ cmd }) => [cmd.paddr, VMSA_SIZE]),
    cellIsFree,
  ],
  effect: ({ sp, cmd }) => {
    const guest = sp.guest(cmd.handle);
    const measured = sp.memory.read(cmd.paddr, VMSA_SIZE);
    guest.runningDigest.update(measured);
    if (!hasFreeCell(sp)) return 'RESOURCE_LIMIT';
    placeVmsa(sp, guest, cmd.paddr, measured);
    return 'SUCCESS';
  },
});
