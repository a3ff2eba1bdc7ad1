/** Lines around a change that are shown with it. */
const CONTEXT = 2;

/**
 * Where two texts differ, line by line, in the form of `diff -u` without its headings: `-` in front of what is only in
 * the first, `+` in front of what is only in the second, `…` for equal lines that are left out.
 */
export function lineDiff(first: string, second: string): string[] {
  const [a, b] = [first, second].map((text) => text.split('\n'));
  const script = editsOf(a!, b!); // two texts make two lists
  const near = script.map((_, i) =>
    script.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).some(({ sign }) => sign !== ' '),
  );
  return script.flatMap(({ sign, line }, i) => {
    if (near[i]) return [`${sign}${line}`];
    return near[i - 1] || i === 0 ? ['…'] : [];
  });
}

interface Edit {
  readonly sign: ' ' | '-' | '+';
  readonly line: string;
}

/** By the longest common subsequence. */
function editsOf(a: readonly string[], b: readonly string[]): Edit[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i]![j] =
        a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push({ sign: ' ', line: a[i]! });
      i++;
      j++;
    } else if (j === b.length || (i < a.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) {
      edits.push({ sign: '-', line: a[i++]! });
    } else {
      edits.push({ sign: '+', line: b[j++]! });
    }
  }
  return edits;
}
