import { type Spa, spa } from '@sevlab/codec/address';
import type { Host } from '@sevlab/machine/machine';

/** Where the host, reading all touched DRAM, finds the bytes first; undefined when nowhere. */
export function hostFinds(host: Host, wanted: Uint8Array): Spa | undefined {
  let tail: { end: bigint; cells: Buffer } | undefined; // bytes may lie across neighbouring pages
  for (const page of host.memory.touchedPages()) {
    const joined = Buffer.concat(tail?.end === page.spa ? [tail.cells, page.cells] : [page.cells]);
    const at = joined.indexOf(Buffer.from(wanted));
    const end = page.spa + BigInt(page.cells.length);
    if (at !== -1) return spa(end - BigInt(joined.length - at));
    tail = { end, cells: joined.subarray(Math.max(0, joined.length - wanted.length + 1)) };
  }
  return undefined;
}
