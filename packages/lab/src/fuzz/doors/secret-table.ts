import { concat, equal } from '@sevlab/codec/bytes';
import { encodeSecretTable, readSecretTable } from '@sevlab/codec/efi/secret-table';
import fc from 'fast-check';
import { nearlyValidSecretTables, secretTables } from '../arbitraries.ts';
import { arbitraryDoor, type Door, holds } from '../door.ts';

/** The table of secrets, as tools read it. */
export const secretTableDoor: Door = arbitraryDoor<Uint8Array>({
  name: 'secret-table',
  about: 'secret areas: read without an error of another kind; what is sound is the bytes that a tool writes',
  ...{ share: 20, chunk: 1000, cost: 200 },
  inputs: () =>
    fc.oneof(
      { weight: 2, arbitrary: secretTables() },
      { weight: 5, arbitrary: nearlyValidSecretTables() },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
      {
        weight: 2,
        arbitrary: fc.tuple(secretTables(), fc.uint8Array({ maxLength: 40 })).map(([a, b]) => concat(a, b)),
      },
    ),
  start: () => (area) => {
    const { entries, error } = readSecretTable(area);
    const size = entries.reduce((sum, { data }) => sum + 20 + data.length, 20);
    holds(entries.length === 0 || size <= area.length, 'entries are within the area');
    if (error !== undefined) return `${entries.length} entries and an error`;
    const written = encodeSecretTable(entries);
    const same = equal(written.subarray(20), area.subarray(20, written.length));
    holds(same, 'a sound table is what a tool writes');
    return `${entries.length} entries`;
  },
});
