import { expect, test } from 'vitest';
import { parseCommandLine } from './command-line.ts';
import { UsageError } from './option-text.ts';

test('block devices in a circle lead to no file', () => {
  const circle = [
    '-blockdev',
    'node-name=a,file=b',
    '-blockdev',
    'node-name=b,file=a',
    '-machine',
    'q35,pflash0=a',
  ];
  expect(() => parseCommandLine(circle)).toThrow(UsageError);
});
