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

/** Whether parts of a text stand in it one behind the other. */
function inOrder(parts: readonly (readonly string[])[], lines: readonly string[]): boolean {
  let from = 0;
  return parts.every((part) => {
    const at = lines.findIndex(
      (_, i) =>
        i >= from && part.every((line, k) => lines[i + k] === line) && i + part.length <= lines.length,
    );
    from = at + part.length;
    return at !== -1;
  });
}

it('shows parts of both texts in their order, and leaves out as many lines of one as of the other', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const parts: string[][] = [[]];
      for (const line of lineDiff(a.join('\n'), b.join('\n'))) {
        if (line === '…') parts.push([]);
        else parts.at(-1)!.push(line);
      }
      const of = (other: string) =>
        parts
          .map((part) => part.filter((line) => !line.startsWith(other)).map((line) => line.slice(1)))
          .filter((part) => part.length > 0);
      expect(inOrder(of('+'), a)).toBe(true);
      expect(inOrder(of('-'), b)).toBe(true);
      expect(a.length - of('+').flat().length).toBe(b.length - of('-').flat().length);
    }),
    { numRuns: 1000 },
  );
});
