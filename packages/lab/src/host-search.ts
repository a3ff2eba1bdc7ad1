import { type Spa, spa } from '@sevlab/codec/address';
import type { Host } from '@sevlab/machine/machine';

/** What of a host is searched. */
export interface Searched {
  readonly memory: Pick<Host['memory'], 'touchedPages'>;
}

/** Where the host, reading all touched DRAM, finds the bytes first; undefined when nowhere. */
export function hostFinds(host: Searched, wanted: Uint8Array): Spa | undefined {
  const overlap = Math.max(0, wanted.length - 1);
  let before: { end: bigint; cells: Buffer } | undefined; // bytes may lie across neighbouring pages
  for (const page of host.memory.touchedPages()) {
    const cells = Buffer.from(page.cells.buffer, page.cells.byteOffset, page.cells.length);
    const tail = before?.end === page.spa ? before.cells : cells.subarray(0, 0);
    const seam = Buffer.concat([tail, cells.subarray(0, overlap)]);
    const across = seam.indexOf(wanted);
    if (across !== -1) return spa(page.spa - BigInt(tail.length - across));
    const within = cells.indexOf(wanted);
    if (within !== -1) return spa(page.spa + BigInt(within));
    const last = overlap > cells.length ? seam : cells; // both end where the page does
    before = {
      end: page.spa + BigInt(cells.length),
      cells: last.subarray(Math.max(0, last.length - overlap)),
    };
  }
  return undefined;
}
