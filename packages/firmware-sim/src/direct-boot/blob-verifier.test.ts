import { createHash } from 'node:crypto';
import { concat } from '@sevlab/codec/bytes';
import {
  type Guid,
  parseGuid,
  SEV_CMDLINE_HASH_GUID,
  SEV_HASH_TABLE_GUID,
  SEV_INITRD_HASH_GUID,
  SEV_KERNEL_HASH_GUID,
} from '@sevlab/codec/guid';
import { HashesTableHeader } from '@sevlab/codec/ovmf/hashes-table';
import { describe, expect, test } from 'vitest';
import { type BlobVerdict, hashesEntries, type Verifier, verifyBlob } from './blob-verifier.ts';

const AREA_SIZE = 0x400;
const KERNEL = new TextEncoder().encode('kernel');
const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const good = sha256(KERNEL);
const bad = sha256(Uint8Array.of(1));

/** `len` is what the entry says, if not the truth. */
const entry = (guid: Guid, hash: Uint8Array = bad, len = 18 + hash.length): Uint8Array =>
  concat(HashesTableHeader.encode({ guid, len }), hash);
const unknown = parseGuid('00000001-0000-4000-8000-000000000000');

/** A whole area with a table of these entries; `len` is what its header says, if not the truth. */
function area(
  entries: readonly Uint8Array[],
  len = 18 + concat(...entries).length,
  guid = SEV_HASH_TABLE_GUID,
): Uint8Array {
  const bytes = new Uint8Array(AREA_SIZE);
  bytes.set(concat(HashesTableHeader.encode({ guid, len }), ...entries));
  return bytes;
}

const others = [entry(SEV_CMDLINE_HASH_GUID), entry(SEV_INITRD_HASH_GUID)];

/** Outcome since 202408, and before: as real firmware answered to each table (the first column), and as its source says. */
const tables: [string, Uint8Array, BlobVerdict['outcome'], BlobVerdict['outcome']][] = [
  ['the right hash', area([...others, entry(SEV_KERNEL_HASH_GUID, good)]), 'verified', 'verified'],
  ['entries in another order', area([entry(SEV_KERNEL_HASH_GUID, good), ...others]), 'verified', 'verified'],
  [
    'a header that takes in the zeros to the end',
    area([entry(SEV_KERNEL_HASH_GUID, good)], AREA_SIZE),
    'verified',
    'verified',
  ],
  ['zeros', new Uint8Array(AREA_SIZE), 'refused', 'refused'],
  [
    'another GUID of the table',
    area([entry(SEV_KERNEL_HASH_GUID, good)], undefined, unknown),
    'refused',
    'refused',
  ],
  ['a header alone', area([]), 'refused', 'refused'],
  ...[0, 17, 0x401, 0xffff].map((len): [string, Uint8Array, 'refused', 'refused'] => [
    `a header that says ${len}`,
    area([entry(SEV_KERNEL_HASH_GUID, good)], len),
    'refused',
    'refused',
  ]),
  ['an area of 17 bytes', area([]).subarray(0, 17), 'refused', 'refused'],
  ['the wrong hash', area([...others, entry(SEV_KERNEL_HASH_GUID, bad)]), 'hang', 'refused'],
  ['no entry for it', area(others), 'unverified', 'refused'],
  ['an unknown GUID alone', area([entry(unknown)]), 'unverified', 'refused'],
  ['a hash of 48 bytes', area([entry(SEV_KERNEL_HASH_GUID, new Uint8Array(48))]), 'refused', 'refused'],
  ['its entry with length 0', area([entry(SEV_KERNEL_HASH_GUID, good, 0)]), 'refused', 'refused'],
  ['another entry with length 0', area([entry(unknown, good, 0)]), 'hang', 'hang'],
  [
    'an entry that ends behind the table',
    area([entry(unknown, bad, 0x1000), entry(SEV_KERNEL_HASH_GUID, bad)]),
    'unverified',
    'refused',
  ],
  [
    'two entries, good and bad',
    area([entry(SEV_KERNEL_HASH_GUID, good), entry(SEV_KERNEL_HASH_GUID, bad)]),
    'verified',
    'verified',
  ],
  [
    'two entries, bad and good',
    area([entry(SEV_KERNEL_HASH_GUID, bad), entry(SEV_KERNEL_HASH_GUID, good)]),
    'hang',
    'refused',
  ],
];

describe.each(tables)('%s', (_, bytes, since202408, before) => {
  const outcome = (verifier: Verifier): string =>
    verifyBlob(verifier, hashesEntries(bytes), 'kernel', KERNEL).outcome;

  test(`since 202408: ${since202408}`, () => expect(outcome('202408')).toBe(since202408));
  test(`before: ${before}`, () => expect(outcome('202108')).toBe(before));
  test('without a verifier: unverified', () => expect(outcome('none')).toBe('unverified'));
});

test.each(['kernel', 'initrd', 'cmdline'] as const)('each blob has an entry of its own: %s', (name) => {
  const guids = {
    kernel: SEV_KERNEL_HASH_GUID,
    initrd: SEV_INITRD_HASH_GUID,
    cmdline: SEV_CMDLINE_HASH_GUID,
  };
  const entries = hashesEntries(
    area(Object.entries(guids).map(([other, guid]) => entry(guid, other === name ? good : bad))),
  );
  expect(verifyBlob('202408', entries, name, KERNEL).outcome).toBe('verified');
});
