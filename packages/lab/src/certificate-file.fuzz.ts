import { seededEntropy } from '@sevlab/ambient/entropy';
import { LengthError } from '@sevlab/codec/layout';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearly } from '../../testing/src/arbitraries.ts';
import {
  CHAIN_SIZE,
  decodeAuthorityFile,
  decodeChainFile,
  decodePdhFile,
  encodeChainFile,
} from './certificate-file.ts';
import { startNewPlatform } from './emulated-platform.ts';

const { certificates } = startNewPlatform((actor) => seededEntropy('files', actor));
const full = encodeChainFile(certificates, true);

/** What a reader makes of a file: a value, or an error that is told to the person. */
function outcome(read: (file: Uint8Array) => unknown, file: Uint8Array): string {
  try {
    read(file);
    return 'read';
  } catch (error) {
    if (error instanceof LengthError || error instanceof RangeError) return error.message;
    throw error;
  }
}

test('any bytes are read, or refused with what was expected', () => {
  const files = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    nearly(full),
    fc.nat(200).map((at) => full.subarray(CHAIN_SIZE).with(at, 255)),
  );
  fc.assert(
    fc.property(files, (file) => {
      for (const read of [decodeChainFile, decodeAuthorityFile, decodePdhFile]) {
        expect(outcome(read, file)).toMatch(/^read$|expected/);
      }
    }),
  );
});

test('every length of a chain but two is refused', () => {
  const read = Array.from({ length: full.length + 2 }, (_, length) => length).filter(
    (length) => outcome(decodeChainFile, fullOf(length)) === 'read',
  );
  expect(read).toEqual([CHAIN_SIZE, full.length]);
});

/** The full chain, cut or with zeros behind it. */
function fullOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(full.subarray(0, length));
  return bytes;
}
