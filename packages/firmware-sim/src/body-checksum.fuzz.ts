import { createHash } from 'node:crypto';
import { toHex } from '@sevlab/codec/bytes';
import { BODY_SHA256_OFFSET } from '@sevlab/codec/ovmf/manifest';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bodyChecksum } from './body-checksum.ts';

test('it is that of the image with a field of zeros, however the image is cut', () => {
  const image = fc.uint8Array({ minLength: 400, maxLength: 400 });
  const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 12 });
  fc.assert(
    fc.property(image, cuts, fc.nat({ max: 200 }), (bytes, at, manifestAt) => {
      const ends = [...at.sort((a, b) => a - b), bytes.length];
      const parts = ends.map((end, i) => bytes.slice(ends[i - 1] ?? 0, end));
      const field = manifestAt + BODY_SHA256_OFFSET;
      const expected = createHash('sha256')
        .update(bytes.slice().fill(0, field, field + 32))
        .digest('hex');
      expect(toHex(bodyChecksum(parts, manifestAt))).toBe(expected);
    }),
  );
});
