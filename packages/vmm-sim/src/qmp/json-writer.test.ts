import { expect, test } from 'vitest';
import { formatDouble } from './json-writer.ts';

/** As printf(3) of glibc 2.36 writes them with `%.17g`. */
const WRITTEN: readonly (readonly [number, string])[] = [
  [0.1, '0.10000000000000001'],
  [-0, '-0'],
  [0.0001, '0.0001'],
  [0.00001, '1.0000000000000001e-05'],
  [1e16, '10000000000000000'],
  [1e17, '1e+17'],
  [-31158757690302940, '-31158757690302940'],
  [8384080843916013 / 4, '2096020210979003.2'], // between two digits: to the even one
  [8384080843916015 / 4, '2096020210979003.8'],
  [5e-324, '4.9406564584124654e-324'],
  [Number.MAX_VALUE, '1.7976931348623157e+308'],
  [Number.POSITIVE_INFINITY, 'inf'],
];

test.each(WRITTEN)('%d is written %s', (value, text) => {
  expect(formatDouble(value)).toBe(text);
});
