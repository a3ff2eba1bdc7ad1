import { expect, test } from 'vitest';
import recorded from '../../test/vectors/qemu-refusals.json' with { type: 'json' };
import { parseCommandLine } from './command-line.ts';
import { QEMU_RELEASES, readOptions } from './machine-options.ts';
import { UsageError } from './option-text.ts';

/** The files that the recorded command lines name, by their sizes. */
const SIZES: Readonly<Record<string, number>> = {
  'halt.fd': 131_072,
  'odd.fd': 1000,
  'empty.fd': 0,
  'big.fd': 9 << 20,
  kernel: 8192,
};

const readFile = (path: string): Uint8Array | string => {
  const size = SIZES[path];
  return size === undefined ? 'No such file or directory' : new Uint8Array(size);
};

/** What we would write to standard error; empty when nothing is wrong. */
function complaint(arguments_: readonly string[]): string {
  try {
    const line = parseCommandLine(arguments_);
    readOptions(line, { release: QEMU_RELEASES['7.2'], package: 'sevlab' }, { readFile });
    return '';
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return `${error.program}: ${error.message}\n`;
  }
}

test.each(recorded as [string[], number, string][])('%j', (arguments_, _, stderr) => {
  expect(complaint(arguments_)).toBe(stderr);
});
