import { createHash } from 'node:crypto';
import type { Observer } from '@sevlab/ambient/observer';

/** Items by name, as the host has them. */
export type FwCfgItems = Map<string, Uint8Array>;

/**
 * QEMU's firmware configuration device (docs/specs/fw_cfg.rst), as firmware sees it: named items that the host owns and
 * may change at any time. Every reading is an event, with the digest of what came. NOT MODELLED: selector keys, ports
 * and DMA; an item is read whole.
 */
export class FwCfg {
  readonly #items: FwCfgItems;
  readonly #observer: Observer;

  constructor(items: FwCfgItems, observer: Observer) {
    this.#items = items;
    this.#observer = observer;
  }

  /** Names of all items, as the directory lists them: sorted. */
  get names(): readonly string[] {
    return [...this.#items.keys()].sort();
  }

  /** A copy of an item's bytes; undefined for a name that the directory does not have. */
  read(name: string): Uint8Array | undefined {
    const item = this.#items.get(name);
    if (item === undefined) return undefined;
    this.#observer.observe('host', 'firmware', () => ({
      type: 'fw-cfg',
      name,
      length: item.length,
      sha256: createHash('sha256').update(item).digest('hex'),
    }));
    return new Uint8Array(item);
  }
}
