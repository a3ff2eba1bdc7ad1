import { createCipheriv } from 'node:crypto';
import { concat, toHex } from '@sevlab/codec/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockEncryption, type EncryptionMode, TWEAK_CONSTANTS_SIZE } from './xex.ts';

const exactly = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const constants = exactly(TWEAK_CONSTANTS_SIZE);
const block = fc.nat({ max: 2 ** 31 - 1 });
/** A block's address below 2^48, mostly where pages and 2 MiB frames begin. */
const address = fc.oneof(
  fc.tuple(block, fc.nat({ max: 2 ** 13 - 1 })).map(([low, high]) => (high * 2 ** 31 + low) * 16),
  fc
    .tuple(fc.nat({ max: 2 ** 27 }), fc.nat({ max: 4 }))
    .map(([frame, before]) => (frame + 1) * 2 ** 21 - before * 16),
);
const plaintext = fc.nat({ max: 20 }).chain((blocks) => exactly(blocks * 16));

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!);

/** T of one address, as the declaration in xex.ts says it in words. */
function tweak(all: Uint8Array, at: number): Uint8Array {
  let sum: Uint8Array = new Uint8Array(16);
  for (let bit = 4; bit < 48; bit++) {
    const constant = all.subarray((bit - 4) * 16, (bit - 3) * 16);
    if ((BigInt(at) >> BigInt(bit)) & 1n) sum = xor(sum, constant);
  }
  return sum;
}

function slowly(
  mode: EncryptionMode,
  all: Uint8Array,
  key: Uint8Array,
  at: number,
  plain: Uint8Array,
): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let offset = 0; offset < plain.length; offset += 16) {
    const t = tweak(all, at + offset);
    const aes = createCipheriv(`aes-${key.length * 8}-ecb`, key, null);
    const encrypted = aes.update(xor(plain.slice(offset, offset + 16), t));
    blocks.push(mode === 'XEX' ? xor(encrypted, t) : encrypted);
  }
  return concat(...blocks);
}

const MODES = [
  ['XEX', 16],
  ['XEX', 32],
  ['XE', 16],
  ['XE', 32],
] as const;

test.each(MODES)('%s with a key of %i bytes is what one block at a time gives', (mode, keySize) => {
  fc.assert(
    fc.property(constants, exactly(keySize), address, plaintext, (all, key, at, plain) => {
      const encryption = new BlockEncryption(mode, all);
      const cells = encryption.encrypt(key, at, plain);
      expect(toHex(cells)).toBe(toHex(slowly(mode, all, key, at, plain)));
      expect(toHex(encryption.decrypt(key, at, cells))).toBe(toHex(plain));
    }),
  );
});

test('identity changes nothing, and gives bytes of its own', () => {
  const encryption = new BlockEncryption('identity', new Uint8Array(TWEAK_CONSTANTS_SIZE).fill(3));
  const plain = Uint8Array.from({ length: 64 }, (_, i) => i);
  for (const same of [
    encryption.encrypt(new Uint8Array(16), 4096, plain),
    encryption.decrypt(new Uint8Array(16).fill(1), 8192, plain),
  ]) {
    expect(same).toEqual(plain);
    expect(same.buffer).not.toBe(plain.buffer);
  }
});

test.each(MODES)('%s with a key of %i bytes: the pieces of long input join', (mode, keySize) => {
  const all = Uint8Array.from({ length: TWEAK_CONSTANTS_SIZE }, (_, i) => (i * 167) % 256);
  const key = Uint8Array.from({ length: keySize }, (_, i) => i);
  const plain = Uint8Array.from({ length: 150_000 }, (_, i) => (i * 31) % 256);
  const at = 0xf_ffff_0010; // 64 GiB, and each smaller power of two, lies within
  const encryption = new BlockEncryption(mode, all);
  const cells = encryption.encrypt(key, at, plain);
  expect(Buffer.compare(cells, slowly(mode, all, key, at, plain))).toBe(0);
  expect(Buffer.compare(encryption.decrypt(key, at, cells), plain)).toBe(0);
});

test('tweak constants may come in a Buffer at an odd place', () => {
  const odd = Buffer.alloc(TWEAK_CONSTANTS_SIZE + 1, 7).subarray(1);
  const [key, plain] = [new Uint8Array(16), new Uint8Array(32)];
  const expected = new BlockEncryption('XEX', new Uint8Array(odd)).encrypt(key, 4096, plain);
  expect(new BlockEncryption('XEX', odd).encrypt(key, 4096, plain)).toEqual(expected);
});

test.each(MODES)(
  '%s with a key of %i bytes leaves its input as it was, wherever that lies',
  (mode, keySize) => {
    fc.assert(
      fc.property(plaintext, fc.nat({ max: 15 }), (bytes, shift) => {
        const encryption = new BlockEncryption(mode, new Uint8Array(TWEAK_CONSTANTS_SIZE).fill(3));
        const key = new Uint8Array(keySize);
        const before = toHex(bytes);
        const shifted = concat(new Uint8Array(shift), bytes).subarray(shift);
        expect(encryption.encrypt(key, 4096, shifted)).toEqual(encryption.encrypt(key, 4096, bytes));
        expect(encryption.decrypt(key, 4096, shifted)).toEqual(encryption.decrypt(key, 4096, bytes));
        expect([toHex(shifted), toHex(bytes)]).toEqual([before, before]);
      }),
    );
  },
);

test('XE, the older mode: moved ciphertext decrypts to the plaintext and a known difference', () => {
  fc.assert(
    fc.property(constants, address, address, exactly(16), (all, from, to, plain) => {
      const encryption = new BlockEncryption('XE', all);
      const key = new Uint8Array(16);
      const moved = encryption.decrypt(key, to, encryption.encrypt(key, from, plain));
      expect(moved).toEqual(xor(xor(plain, tweak(all, from)), tweak(all, to)));
    }),
  );
});
