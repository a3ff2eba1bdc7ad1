import { isAligned, type Spa } from '@sevlab/codec/address';
import { withoutCBit } from '@sevlab/machine/part';
import { isDram, TMR_SIZE } from './address-check.ts';
import type { CommandContext } from './command.ts';
import type { PlatformIdentity } from './identity.ts';
import type { Precondition } from './preconditions.ts';
import { allAsids, type SecureProcessor } from './secure-processor.ts';

/** What INIT and INIT_EX have in common. */
interface InitialiseBuffer {
  readonly flags: number;
  readonly tmrPaddr: Spa;
  readonly tmrLen: number;
}
type Context = CommandContext<InitialiseBuffer>;

/** FLAGS bit 0. */
const FLAG_ES = 1;
const asksForEs = ({ flags }: InitialiseBuffer): boolean => (flags & FLAG_ES) !== 0;

/** The rows with which both begin. NOT MODELLED: memory encryption that is off on a core or channel (HWERROR_PLATFORM). */
export const firstRows: readonly Precondition<Context>[] = [
  ['platform is UNINIT', ({ sp }) => sp.state.platform === 'UNINIT', 'INVALID_PLATFORM_STATE'],
  ['FLAGS bits 15:1 are zero', ({ cmd }) => (cmd.flags & ~FLAG_ES) === 0, 'INVALID_CONFIG'],
];

/** The rows with which both end. */
export const tmrRows: readonly Precondition<Context>[] = [
  ['TMR_PADDR is 1 MiB aligned', ({ cmd }) => isAligned(cmd.tmrPaddr, TMR_SIZE), 'INVALID_ADDRESS'],
  ['TMR_LEN is 0x100000', ({ cmd }) => cmd.tmrLen === TMR_SIZE, 'INVALID_LENGTH'],
  [
    'TMR lies in DRAM',
    ({ sp, cmd }) => isDram(sp.part, cmd.tmrPaddr, cmd.tmrLen),
    'INVALID_CONFIG',
    ({ noDram }) => noDram,
  ],
];

/** A row that is looked at only when SEV-ES is asked for: else the fields of the TMR mean nothing. */
export const withEs = <C extends Context>([
  condition,
  holds,
  ...status
]: Precondition<C>): Precondition<C> => [
  condition,
  (context) => !asksForEs(context.cmd) || holds(context),
  ...status,
];

/** From UNINIT to INIT, with an identity that is stored at `nvPaddr`, or in the flash. */
export function initialise(
  { sp, cmd }: { readonly sp: SecureProcessor; readonly cmd: InitialiseBuffer },
  identity: PlatformIdentity,
  nvPaddr: Spa | undefined,
): void {
  const es = asksForEs(cmd);
  Object.assign(sp.state, {
    platform: 'INIT',
    es,
    tmr: es ? { paddr: withoutCBit(sp.part, cmd.tmrPaddr), enabled: false } : undefined,
    vmsaCells: 0,
    identity,
    nvPaddr,
    asids: allAsids('dirty', sp.maxAsid),
    cleanOn: new Map(),
  } satisfies Partial<SecureProcessor['state']>);
  sp.hardware.clearWbinvd();
}
