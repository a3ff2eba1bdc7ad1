import { hasPolicy } from '@sevlab/codec/sev/policy';
import { PARTS } from '@sevlab/machine/part';
import { kdf } from '@sevlab/sev-channel/kdf';
import type { CommandContext } from './command.ts';
import type { Guest } from './guest.ts';
import type { Precondition } from './preconditions.ts';
import type { SecureProcessor } from './secure-processor.ts';

/** What ACTIVATE and ACTIVATE_EX bind together. */
export type ActivationContext = CommandContext<{ readonly handle: number; readonly asid: number }>;

/** Whether some guest has the ASID. */
export const isTaken = ({ sp, cmd }: ActivationContext): boolean =>
  ['allocated', 'inUse'].includes(sp.state.asids[cmd.asid]!);

export const asidInRange: Precondition<ActivationContext> = [
  'ASID is in range',
  ({ sp, cmd }) => cmd.asid >= 1 && cmd.asid <= sp.maxAsid,
  'INVALID_ASID',
];

/** An ASID of the wrong range that is dirty asks for DF_FLUSH first. */
export const activationRows: readonly Precondition<ActivationContext>[] = [
  ['guest is not SENT', ({ sp, cmd }) => sp.guest(cmd.handle).state !== 'SENT', 'INVALID_GUEST_STATE'],
  ['ASID is not dirty', ({ sp, cmd }) => sp.state.asids[cmd.asid] !== 'dirty', 'DF_FLUSH_REQUIRED'],
  [
    'ASID is for guests with SEV-ES, or without, as this one',
    ({ sp, cmd }) => cmd.asid < PARTS[sp.part].minSevAsid === hasPolicy(sp.guest(cmd.handle).policy, 'ES'),
    'INVALID_ASID',
  ],
];

/** Installs the guest's key. Until LAUNCH_FINISH or RECEIVE_FINISH the guest is pending: VMRUN is refused. */
export function activate({ sp, cmd }: ActivationContext): void {
  const guest = sp.guest(cmd.handle);
  sp.memory.installKey(cmd.asid, memoryKey(sp, guest));
  const runs = guest.state === 'RUNNING' || guest.state === 'SUPDATE';
  guest.asid = cmd.asid;
  guest.activation = runs ? 'active' : 'pending';
  sp.state.asids[cmd.asid] = runs ? 'inUse' : 'allocated';
  sp.memory.setRunnable(cmd.asid, runs);
}

/**
 * 16 or 32 bytes (firmware behaviour (Genoa 1.55)). The label ends in a NUL of its own, and the context is the number
 * of the memory channel.
 */
function memoryKey(sp: SecureProcessor, guest: Guest): Uint8Array {
  const key = kdf(guest.vekSeed, 32, 'sev-vm-encryption-key-0\0', new Uint8Array(4));
  return key.slice(0, PARTS[sp.part].memoryKeySize);
}
