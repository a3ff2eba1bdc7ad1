import { createHash } from 'node:crypto';
import type { Observer } from '@sevlab/ambient/observer';

/**
 * QEMU's firmware configuration device (docs/specs/fw_cfg.rst), as firmware sees it: named items that the host owns and
 * may change at any time. NOT MODELLED: selector keys, ports and DMA; an item is read whole.
 */
export interface FwCfg {
  /** Names of all items, as the directory lists them: sorted. */
  readonly names: readonly string[];
  /** A copy of an item's bytes; undefined for a name that the directory does not have. */
  read(name: string): Uint8Array | undefined;
}

/** Items by name, as the host has them. */
export type FwCfgItems = Map<string, Uint8Array>;

/** The device with these items behind it. Every reading is an event, with the digest of what came. */
export const createFwCfg = (items: FwCfgItems, observer: Observer): FwCfg => ({
  get names() {
    return [...items.keys()].sort();
  },
  read(name) {
    const item = items.get(name);
    if (item === undefined) return undefined;
    observer.observe('host', 'firmware', () => ({
      type: 'fw-cfg',
      name,
      length: item.length,
      sha256: createHash('sha256').update(item).digest('hex'),
    }));
    return new Uint8Array(item);
  },
});
