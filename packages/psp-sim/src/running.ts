import { createHash } from 'node:crypto';
import { type Guest, ZERO_CHANNEL } from './guest.ts';
import type { SecureProcessor } from './secure-processor.ts';

/** A guest whose memory is complete: its channel is closed, and when it is pending it may be run from here on. */
export function makeRunning(sp: SecureProcessor, guest: Guest): void {
  if (guest.activation === 'pending') {
    guest.activation = 'active';
    sp.state.asids[guest.asid] = 'inUse';
    sp.memory.setRunnable(guest.asid, true);
  }
  Object.assign(guest, {
    channel: ZERO_CHANNEL,
    runningDigest: createHash('sha256'),
    measure: undefined,
    state: 'RUNNING',
  } satisfies Partial<Guest>);
}
