import { isAligned, type Spa } from '@sevlab/codec/address';
import { InitExBuffer } from '@sevlab/codec/sev/command';
import { isUsable, rangesOverlap } from '../address-check.ts';
import { type CommandContext, command, once } from '../command.ts';
import type { PlatformIdentity } from '../identity.ts';
import { takeIdentity } from '../identity-store.ts';
import { firstRows, initialise, tmrRows, withEs } from '../initialise.ts';
import { NV_AREA_SIZE } from '../nv-area.ts';
import { type Precondition, reachable } from '../preconditions.ts';
import type { SecureProcessor } from '../secure-processor.ts';

interface Context extends CommandContext<InitExBuffer> {
  /** Taken from where it is stored, or made and stored there; undefined when what is stored is damaged. */
  readonly identity: () => PlatformIdentity | undefined;
}

/** Where the identity is stored; undefined for the part's flash. */
const areaOf = ({ nvPaddr }: InitExBuffer): Spa | undefined => (nvPaddr === 0n ? undefined : nvPaddr);

const open = (sp: SecureProcessor, cmd: InitExBuffer): Context => ({
  sp,
  cmd,
  identity: once(() => takeIdentity(sp, areaOf(cmd))),
});

/** A row that is looked at only when there is an NV area. */
const withArea = ([condition, holds, ...status]: Precondition<Context>): Precondition<Context> => [
  condition,
  (context) => areaOf(context.cmd) === undefined || holds(context),
  ...status,
];

const areaRows: readonly Precondition<Context>[] = [
  ['NV_PADDR is 4 KiB aligned', ({ cmd }) => isAligned(cmd.nvPaddr, 4096), 'INVALID_ADDRESS'],
  ['NV_LEN is not 0', ({ cmd }) => cmd.nvLen !== 0, 'INVALID_PARAM'],
  ...reachable<Context>('NV_PADDR', ({ cmd }) => [cmd.nvPaddr, cmd.nvLen]),
  ['NV_LEN is 0x8000', ({ cmd }) => cmd.nvLen === NV_AREA_SIZE, 'INVALID_LENGTH'],
];

const tmrBesideAreaRows: readonly Precondition<Context>[] = [
  ['TMR is a usable range', ({ sp, cmd }) => isUsable(sp, cmd.tmrPaddr, cmd.tmrLen), 'INVALID_ADDRESS'],
  [
    'TMR and NV area do not overlap',
    ({ sp, cmd }) => !rangesOverlap(sp.part, [cmd.tmrPaddr, cmd.tmrLen], [cmd.nvPaddr, cmd.nvLen]),
    'INVALID_ADDRESS',
  ],
];

/**
 * 55766, INIT_EX; order as firmware 1.55 answers. The identity is in a file of the host, which passes it through an
 * area in memory; a host that keeps an old copy can bring an old identity back. A new identity is stored before the
 * TMR is looked at.
 */
export const INIT_EX = command({
  buffer: InitExBuffer,
  transfer: 'in',
  open,
  preconditions: [
    ...firstRows,
    ['reserved fields are zero', ({ cmd }) => cmd.reserved06 === 0 && cmd.reserved14 === 0, 'INVALID_CONFIG'],
    ['LENGTH is 0x24', ({ cmd }) => cmd.length === InitExBuffer.size, 'INVALID_LENGTH'],
    ...areaRows.map(withArea),
    ['stored identity is undamaged', ({ identity }) => identity() !== undefined, 'SECURE_DATA_INVALID'],
    ...tmrBesideAreaRows.map(withArea).map(withEs),
    ...tmrRows.map(withEs),
  ],
  effect: (context) => {
    initialise(context, context.identity()!, areaOf(context.cmd));
    return 'SUCCESS';
  },
});
