import { CORE_COMPLEXES } from '@sevlab/machine/machine';
import { type CommandContext, command, NO_BUFFER, plain } from '../command.ts';
import type { SecureProcessor } from '../secure-processor.ts';

/**
 * Makes dirty ASIDs clean on each core complex that counts as flushed, and says whether every core executed WBINVD.
 * VERSION: to firmware 1.55 a complex counts when one of its cores did, so ASIDs may become clean although the answer
 * is WBINVD_REQUIRED; the specification asks for every core of it.
 */
function everyCoreFlushed({ sp }: CommandContext<unknown>): boolean {
  const done = sp.hardware.wbinvdDone();
  const counts = (cores: readonly number[]): boolean =>
    sp.state.profile.dfFlushByComplex ? cores.some((core) => done[core]) : cores.every((core) => done[core]);
  cleanAsids(
    sp,
    CORE_COMPLEXES.flatMap((cores, complex) => (counts(cores) ? [complex] : [])),
  );
  return done.every((core) => core);
}

function cleanAsids({ state }: SecureProcessor, complexes: readonly number[]): void {
  const dirty = state.asids.flatMap((asidState, asid) => (asidState === 'dirty' ? [asid] : []));
  for (const asid of dirty) {
    const cleanOn = new Set([...(state.cleanOn.get(asid) ?? []), ...complexes]);
    if (cleanOn.size < CORE_COMPLEXES.length) {
      state.cleanOn.set(asid, cleanOn);
    } else {
      state.cleanOn.delete(asid);
      state.asids[asid] = 'clean';
    }
  }
}

/** 55766, DF_FLUSH. VERSION: firmware 1.55 takes it in UNINIT too. The first one makes the TMR of SEV-ES usable. */
export const DF_FLUSH = command({
  buffer: NO_BUFFER,
  transfer: 'none',
  open: plain,
  preconditions: [
    [
      'platform is INIT or WORKING, where that matters',
      ({ sp: { state } }) => state.profile.dfFlushInUninit || state.platform !== 'UNINIT',
      'INVALID_PLATFORM_STATE',
    ],
    ['every core executed WBINVD', everyCoreFlushed, 'WBINVD_REQUIRED'],
  ],
  effect: ({ sp: { state } }) => {
    if (state.tmr) state.tmr.enabled = true;
    return 'SUCCESS';
  },
});
