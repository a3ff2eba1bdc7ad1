import type { Spa } from '@sevlab/codec/address';
import { spa } from '@sevlab/codec/address';
import { concat, indexOfBytes } from '@sevlab/codec/bytes';
import type { Host } from '@sevlab/machine/machine';

/** Where the host, reading all touched DRAM, finds the bytes first; undefined when nowhere. */
export function hostFinds(host: Host, wanted: Uint8Array): Spa | undefined {
  let tail: { end: bigint; cells: Uint8Array } | undefined; // bytes may lie across neighbouring pages
  for (const page of host.memory.touchedPages()) {
    const joined = tail?.end === page.spa ? concat(tail.cells, page.cells) : page.cells;
    const at = indexOfBytes(joined, wanted);
    const end = page.spa + BigInt(page.cells.length);
    if (at !== -1) return spa(end - BigInt(joined.length - at));
    tail = { end, cells: joined.slice(Math.max(0, joined.length - wanted.length + 1)) };
  }
  return undefined;
}
