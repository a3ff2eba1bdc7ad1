import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOurs, runTheirs } from '../../test/side-by-side.ts';
import { changeMode, parseMode } from './file-mode.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sevlab-random-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Rows of 16 bytes of which some repeat, and a rest: what dumps leave out is in it. */
const content = fc
  .tuple(
    fc.array(fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.integer({ min: 1, max: 4 })), {
      maxLength: 8,
    }),
    fc.uint8Array({ maxLength: 15 }),
  )
  .map(([rows, rest]) => Buffer.concat([...rows.flatMap(([row, times]) => Array(times).fill(row)), rest]));

describe('on random bytes our program and the machine print the same for', () => {
  it.each([
    'hexdump -C',
    'hexdump',
    'hexdump -v -n 37',
    'od',
    'od -A x -t x1z',
    'od -c',
    'od -a',
    'od -v -A d -t u4 -t d2',
    'od -j 5 -N 50 -t x8z',
    'xxd',
    'xxd -c 7',
    'xxd -p',
    'wc',
    'sha256sum',
    'head -c 21',
    'tail -c 21',
    'head -n 2',
    'tail -n 2',
    'grep -c a',
    'grep -n a',
    'grep -v a',
  ])('%s', (line) => {
    const words = line.split(' ');
    fc.assert(
      fc.property(content, (bytes) => {
        writeFileSync(join(folder, 'file'), bytes);
        const real = runTheirs(folder, [...words, 'file']);
        fc.pre(real !== undefined);
        const skipsTooFar = words.includes('-j') && bytes.length < 5; // the same message, at another place
        if (!skipsTooFar) expect(runOurs(folder, [...words, 'file'])).toEqual(real);
      }),
      { numRuns: 25 },
    );
  });

  it('the same from a pipe', () => {
    fc.assert(
      fc.property(
        content,
        fc.constantFrom('hexdump -C', 'od -c', 'xxd', 'wc', 'cat', 'tail -n 1'),
        (bytes, line) => {
          const real = runTheirs(folder, line.split(' '), bytes);
          fc.pre(real !== undefined);
          expect(runOurs(folder, line.split(' '), { input: bytes })).toEqual(real);
        },
      ),
      { numRuns: 40 },
    );
  });
});

const clause = fc
  .tuple(
    fc.subarray(['u', 'g', 'o', 'a']).map((who) => who.join('')),
    fc.constantFrom('+', '-', '='),
    fc.oneof(
      fc.subarray(['r', 'w', 'x', 'X', 's', 't']).map((bits) => bits.join('')),
      fc.constantFrom('u', 'g', 'o'),
    ),
  )
  .map((parts) => parts.join(''));
const mode = fc.oneof(
  fc.array(clause, { minLength: 1, maxLength: 3 }).map((clauses) => clauses.join(',')),
  fc.integer({ min: 0, max: 0o7777 }).map((number) => number.toString(8)),
  fc.integer({ min: 0, max: 0o7777 }).map((number) => number.toString(8).padStart(5, '0')),
);

describe('chmod', () => {
  it('changes permissions as the machine does', () => {
    fc.assert(
      fc.property(mode, fc.integer({ min: 0, max: 0o7777 }), fc.boolean(), (text, before, directory) => {
        const script = `umask 022; rm -rf m; ${directory ? 'mkdir' : 'touch'} m; chmod ${before.toString(8).padStart(5, '0')} m; chmod -- '${text}' m; stat -c %a m`;
        const real = runTheirs(folder, ['sh', '-c', script]);
        fc.pre(real !== undefined);
        const steps = parseMode(text);
        expect(changeMode(before, steps ?? [], { directory }).toString(8)).toBe(real?.stdout.trim());
      }),
      { numRuns: 150 },
    );
  });
});
