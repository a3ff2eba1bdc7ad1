import { createHash } from 'node:crypto';
import { BODY_SHA256_OFFSET } from '@sevlab/codec/ovmf/manifest';

const NO_CHECKSUM = new Uint8Array(32);

/** SHA-256 of the image, given in parts, with the checksum field of the manifest at `manifestAt` taken as zero. */
export function bodyChecksum(parts: Iterable<Uint8Array>, manifestAt: number): Uint8Array {
  const hash = createHash('sha256');
  let field = manifestAt + BODY_SHA256_OFFSET; // from the start of a part
  for (const part of parts) {
    const within = (at: number): number => Math.min(Math.max(at, 0), part.length);
    const [from, to] = [within(field), within(field + NO_CHECKSUM.length)];
    hash
      .update(part.subarray(0, from))
      .update(NO_CHECKSUM.subarray(0, to - from))
      .update(part.subarray(to));
    field -= part.length;
  }
  return new Uint8Array(hash.digest());
}
