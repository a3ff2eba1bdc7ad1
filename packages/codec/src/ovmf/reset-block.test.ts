import { describe, expect, test } from 'vitest';
import { concat, fromHex } from '../bytes.ts';
import { SEV_ES_RESET_BLOCK_GUID, SEV_SECRET_BLOCK_GUID } from '../guid.ts';
import { buildGuidedTable, GuidedEntryTail } from './guided-table.ts';
import { findResetBlock } from './reset-block.ts';

const ADDRESS = fromHex('04b08000');

/** Zeros, with these bytes in front of the reset vector. */
const imageEndingIn = (bytes: Uint8Array, size = 8192): Uint8Array =>
  concat(new Uint8Array(size - 32 - bytes.length), bytes, new Uint8Array(32));

const tableOf = (...entries: Parameters<typeof buildGuidedTable>[0]): Uint8Array =>
  imageEndingIn(buildGuidedTable(entries));

/** A block as it stands alone. `len` is what it says. */
const alone = (data: Uint8Array, len = data.length + 18, size?: number): Uint8Array =>
  imageEndingIn(concat(data, GuidedEntryTail.encode({ len, guid: SEV_ES_RESET_BLOCK_GUID })), size);

describe('the reset block', () => {
  test('in a table', () => {
    expect(findResetBlock(tableOf({ guid: SEV_ES_RESET_BLOCK_GUID, data: ADDRESS }))).toEqual({
      address: 0x80b004,
    });
  });

  test('alone where a table would end, as before there were tables', () => {
    expect(findResetBlock(alone(ADDRESS))).toEqual({ address: 0x80b004 });
  });

  test('with address 0 is there', () => {
    expect(findResetBlock(alone(new Uint8Array(4)))).toEqual({ address: 0 });
  });
});

test.each<[string, Uint8Array, RegExp]>([
  ['zeros', new Uint8Array(8192), /^no table: 48 bytes before its end is 00000000-/],
  ['a file shorter than a block', new Uint8Array(53), /^no table: the image has 53 bytes/],
  [
    'a table without one',
    tableOf({ guid: SEV_SECRET_BLOCK_GUID, data: new Uint8Array(8) }),
    /^a table without one$/,
  ],
  [
    'a block of 5 bytes in a table',
    tableOf({ guid: SEV_ES_RESET_BLOCK_GUID, data: new Uint8Array(5) }),
    /^one of 5 bytes/,
  ],
  ['a block of 3 bytes alone', alone(new Uint8Array(3)), /^one of 3 bytes instead of 4$/],
  ['a length that leaves nothing', alone(ADDRESS, 18), /^one of 0 bytes/],
  ['a length below that of its own tail', alone(ADDRESS, 0), /^one of 0 bytes/],
  ['a length that reaches before the image', alone(ADDRESS, 0xffff), /^one of 8142 bytes/],
])('no address: %s', (_, image, fault) => {
  expect(findResetBlock(image)).toEqual({ fault: expect.stringMatching(fault) });
});
