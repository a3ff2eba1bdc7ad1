import type { SevStatus } from '@sevlab/codec/sev/status';
import type { Host } from '@sevlab/machine/machine';
import { PARTS, type PartName } from '@sevlab/machine/part';
import { issueBare } from '../command-buffer.ts';

/** The ASIDs that KVM has given out, as plain data (Linux 6.12, arch/x86/kvm/svm/sev.c). */
export interface Asids {
  /** Guests by their ASIDs, those that are gone included (sev_asid_bitmap). */
  readonly guests: Map<number, number>;
  /** ASIDs of guests that are gone, which no other guest can have yet (sev_reclaim_asid_bitmap). */
  readonly dirty: Set<number>;
}

export const createAsids = (): Asids => ({ guests: new Map(), dirty: new Set() });

export const forkAsids = ({ guests, dirty }: Asids): Asids => ({
  guests: new Map(guests),
  dirty: new Set(dirty),
});

/** The ASIDs, first and last, of SEV-ES guests or of others. */
export const asidRange = (part: PartName, es: boolean): readonly [number, number] =>
  es ? [1, PARTS[part].minSevAsid - 1] : [PARTS[part].minSevAsid, PARTS[part].maxAsid];

/**
 * Gives a guest the lowest ASID of a range that nobody had. When there is none, but guests of that range are gone, `flush`
 * is asked to clean what they had, and with it all dirty ones (sev_asid_new). Undefined when that helps nothing.
 */
export function takeAsid(
  asids: Asids,
  guest: number,
  [first, last]: readonly [number, number],
  flush: () => boolean,
): number | undefined {
  let asid = lowestFree(asids, first, last);
  if (asid === undefined && [...asids.dirty].some((each) => each >= first && each <= last) && flush()) {
    for (const each of asids.dirty) asids.guests.delete(each);
    asids.dirty.clear();
    asid = lowestFree(asids, first, last);
  }
  if (asid !== undefined) asids.guests.set(asid, guest);
  return asid;
}

function lowestFree({ guests }: Asids, first: number, last: number): number | undefined {
  for (let asid = first; asid <= last; asid++) if (!guests.has(asid)) return asid;
  return undefined;
}

/** The guest is gone (sev_asid_free). */
export function releaseAsid(asids: Asids, guest: number, asid: number): void {
  if (asids.guests.get(asid) === guest) asids.dirty.add(asid);
}

/** Makes dirty ASIDs usable for the AMD-SP: WBINVD on all cores, then DF_FLUSH (sev_flush_asids). */
export function flushAsids(host: Host): SevStatus {
  host.wbinvd();
  return issueBare(host, 'DF_FLUSH');
}
