import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lineDiff } from './line-diff.ts';

it('shows what goes, what comes, and two lines around', () => {
  const first = 'a\nb\nc\nd\ne\nf\ng\nh';
  expect(lineDiff(first, first.replace('d', 'D'))).toEqual(['…', ' b', ' c', '-d', '+D', ' e', ' f', '…']);
  expect(lineDiff('a', 'a\nb')).toEqual([' a', '+b']);
  expect(lineDiff('a\nb', 'b')).toEqual(['-a', ' b']);
  expect(lineDiff('a\nb', 'a\nb')).toEqual(['…']);
});

it('gives both texts back', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const shown = lineDiff([...a, 'x', 'y'].join('\n'), [...b, 'z', 'y'].join('\n')).filter(
        (line) => line !== '…',
      );
      const without = (sign: string) =>
        shown.filter((line) => !line.startsWith(sign)).map((line) => line.slice(1));
      expect([...a, 'x', 'y'].join('').endsWith(without('+').join(''))).toBe(true);
      expect([...b, 'z', 'y'].join('').endsWith(without('-').join(''))).toBe(true);
    }),
  );
});
