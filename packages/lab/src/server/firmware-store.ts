import { createHash } from 'node:crypto';
import { buildImage } from '@sevlab/firmware-sim/image';
import type { LayoutName } from '@sevlab/firmware-sim/layouts';
import { BoundedStore } from './bounded-store.ts';

/** Of the images that clients sent. Bytes. */
const SENT_MAX = 64 * 1024 * 1024;

/** Firmware images for sessions: built ones, and those that clients sent, by digest. */
export class FirmwareStore {
  readonly #built = new Map<LayoutName, Uint8Array>();
  readonly #sent = new BoundedStore<Uint8Array>(SENT_MAX, ({ length }) => length);

  /** Keeps an image, perhaps in the place of an older one. Returns its SHA-256, hexadecimal. */
  keep(image: Uint8Array): string {
    const sha256 = createHash('sha256').update(image).digest('hex');
    this.#sent.set(sha256, image);
    return sha256;
  }

  sent(sha256: string): Uint8Array | undefined {
    return this.#sent.get(sha256);
  }

  built(layout: LayoutName): Uint8Array {
    const known = this.#built.get(layout);
    if (known !== undefined) return known;
    const image = buildImage({ layout });
    this.#built.set(layout, image);
    return image;
  }
}
