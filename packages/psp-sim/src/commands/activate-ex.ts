import { ActivateExBuffer } from '@sevlab/codec/sev/command';
import { activate, activationRows, asidInRange, isTaken } from '../activation.ts';
import { type CommandContext, command, plain } from '../command.ts';
import { reachable } from '../preconditions.ts';

type Context = CommandContext<ActivateExBuffer>;

/** An APIC ID of the list, in bytes. */
const ID_SIZE = 4;
const MAX_IDS = 1024;

/** Whether the guest has this very ASID: the command only adds core complexes. */
const isRepeated = ({ sp, cmd }: Context): boolean => sp.guest(cmd.handle).asid === cmd.asid;

/**
 * 55766, ACTIVATE_EX; order as firmware 1.55 answers, but for the list of APIC IDs, whose place and statuses are our
 * reading. NOT MODELLED: which core complexes may run the guest; here all may, whatever the list says.
 */
export const ACTIVATE_EX = command({
  buffer: ActivateExBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['EX_LEN is 0x18', ({ cmd }) => cmd.exLen === ActivateExBuffer.size, 'INVALID_PARAM'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['NUMIDS is 1 to 1024', ({ cmd }) => cmd.numIds >= 1 && cmd.numIds <= MAX_IDS, 'INVALID_PARAM'],
    ...reachable<Context>('IDS_PADDR', ({ cmd }) => [cmd.idsPaddr, cmd.numIds * ID_SIZE]),
    asidInRange,
    ['ASID has no other guest', (context) => !isTaken(context) || isRepeated(context), 'ASID_OWNED'],
    [
      'guest has no other ASID',
      (context) => context.sp.guest(context.cmd.handle).activation === 'inactive' || isRepeated(context),
      'ACTIVE',
    ],
    ...activationRows,
  ],
  effect: (context) => {
    activate(context);
    return 'SUCCESS';
  },
});
