import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat, equal, fromBase64, fromHex, indexOfBytes, padTo, toBase64, toHex, utf8 } from './bytes.ts';

const bytes = fc.uint8Array({ maxLength: 100 });

test('hex is what Buffer makes of it, and comes back', () => {
  fc.assert(
    fc.property(bytes, (input) => {
      expect(toHex(input)).toBe(Buffer.from(input).toString('hex'));
      expect(fromHex(toHex(input).toUpperCase())).toEqual(input);
    }),
  );
});

test('base64 is what Buffer makes of it, and comes back', () => {
  fc.assert(
    fc.property(bytes, (input) => {
      expect(toBase64(input)).toBe(Buffer.from(input).toString('base64'));
      expect(fromBase64(toBase64(input))).toEqual(input);
    }),
  );
});

test('any text either decodes as Buffer decodes it or is a SyntaxError', () => {
  const alphabet = fc.constantFrom(...'AZaz09+/=-_ \n');
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 12 }), (text) => {
      for (const [decode, encoding] of [
        [fromHex, 'hex'],
        [fromBase64, 'base64'],
      ] as const) {
        try {
          expect(decode(text)).toEqual(new Uint8Array(Buffer.from(text.replace(/\s/g, ''), encoding)));
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }
    }),
  );
});

test('indexOfBytes finds what Buffer finds', () => {
  const few = fc.uint8Array({ max: 2, maxLength: 24 });
  fc.assert(
    fc.property(few, fc.uint8Array({ max: 2, maxLength: 4 }), (haystack, needle) => {
      expect(indexOfBytes(haystack, needle)).toBe(Buffer.from(haystack).indexOf(needle));
    }),
  );
});

test('concat, padTo, equal and utf8 do what Buffer does', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 5 }), bytes, (parts, other) => {
      const joined = concat(...parts);
      expect(joined).toEqual(new Uint8Array(Buffer.concat(parts)));
      expect(equal(joined, other)).toBe(Buffer.from(joined).equals(other));
      expect(equal(joined, joined.slice())).toBe(true);
      const padded = padTo(other, other.length + parts.length);
      expect(padded).toEqual(concat(other, new Uint8Array(parts.length)));
      expect(padded.buffer).not.toBe(other.buffer);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(utf8(text)).toEqual(new Uint8Array(Buffer.from(text)));
    }),
  );
});
