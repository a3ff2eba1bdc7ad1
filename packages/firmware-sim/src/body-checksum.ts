import { createHash } from 'node:crypto';
import { BODY_SHA256_OFFSET } from '@sevlab/codec/ovmf/manifest';

const NO_CHECKSUM = new Uint8Array(32);

/** SHA-256 of the image with the checksum field of the manifest at `manifestAt` taken as zero. */
export function bodyChecksum(image: Uint8Array, manifestAt: number): Uint8Array {
  const field = manifestAt + BODY_SHA256_OFFSET;
  const hash = createHash('sha256').update(image.subarray(0, field)).update(NO_CHECKSUM);
  return new Uint8Array(hash.update(image.subarray(field + NO_CHECKSUM.length)).digest());
}
