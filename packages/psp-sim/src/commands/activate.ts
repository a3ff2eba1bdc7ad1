import { ActivateBuffer } from '@sevlab/codec/sev/command';
import { PARTS } from '@sevlab/machine/part';
import { kdf } from '@sevlab/sev-channel/kdf';
import { command, plain } from '../command.ts';
import type { Guest } from '../guest.ts';
import type { SecureProcessor } from '../secure-processor.ts';

/**
 * 55766, ACTIVATE; order as firmware 1.55 answers. Until LAUNCH_FINISH the guest is pending: its key is installed,
 * but VMRUN is refused. No guest here has SEV-ES, as LAUNCH_START refuses it: ASIDs below the limit are for nobody.
 * NOT MODELLED: an ASID that is clean on some core complexes only.
 */
export const ACTIVATE = command({
  buffer: ActivateBuffer,
  transfer: 'in',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['ASID is in range', ({ sp, cmd }) => cmd.asid >= 1 && cmd.asid <= sp.maxAsid, 'INVALID_ASID'],
    [
      'ASID has no guest',
      ({ sp, cmd }) => !['allocated', 'inUse'].includes(sp.state.asids[cmd.asid]!),
      'ASID_OWNED',
    ],
    ['guest has no ASID', ({ sp, cmd }) => sp.guest(cmd.handle).activation === 'inactive', 'ACTIVE'],
    ['guest is not SENT', ({ sp, cmd }) => sp.guest(cmd.handle).state !== 'SENT', 'INVALID_GUEST_STATE'],
    ['ASID is not dirty', ({ sp, cmd }) => sp.state.asids[cmd.asid] !== 'dirty', 'DF_FLUSH_REQUIRED'],
    [
      'ASID is for guests without SEV-ES',
      ({ sp, cmd }) => cmd.asid >= PARTS[sp.part].minSevAsid,
      'INVALID_ASID',
    ],
  ],
  effect: ({ sp, cmd }) => {
    const guest = sp.guest(cmd.handle);
    sp.memory.installKey(cmd.asid, memoryKey(sp, guest));
    const runs = guest.state === 'RUNNING' || guest.state === 'SUPDATE';
    guest.asid = cmd.asid;
    guest.activation = runs ? 'active' : 'pending';
    sp.state.asids[cmd.asid] = runs ? 'inUse' : 'allocated';
    sp.memory.setRunnable(cmd.asid, runs);
    return 'SUCCESS';
  },
});

/**
 * 16 or 32 bytes (firmware behaviour (Genoa 1.55)). The label ends in a NUL of its own, and the context is the number
 * of the memory channel.
 */
function memoryKey(sp: SecureProcessor, guest: Guest): Uint8Array {
  const key = kdf(guest.vekSeed, 32, 'sev-vm-encryption-key-0\0', new Uint8Array(4));
  return key.slice(0, PARTS[sp.part].memoryKeySize);
}
