import { equal, toHex } from '@sevlab/codec/bytes';
import { LengthError } from '@sevlab/codec/layout';
import { STRUCTURES } from '@sevlab/codec/structures';
import fc from 'fast-check';
import { hostileBytes, nearlyValidBytes, validBytes } from '../arbitraries.ts';
import { arbitraryDoor, type Door, holds } from '../door.ts';

interface Input {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Fixed structures of every format. */
export const structureDoor: Door = arbitraryDoor<Input>({
  name: 'structure',
  about:
    'bytes in the place of each structure: only a wrong length is refused, and what was read is written again',
  ...{ share: 20, chunk: 1000, cost: 200 },
  inputs: () =>
    fc.oneof(
      ...Object.keys(STRUCTURES).map((name) =>
        fc.record({
          name: fc.constant(name),
          bytes: fc.oneof(validBytes(name), nearlyValidBytes(name), hostileBytes(name)),
        }),
      ),
    ),
  start: () => read,
});

function read({ name, bytes }: Input): string {
  const struct = STRUCTURES[name];
  holds(struct !== undefined, 'a structure has a name');
  const annotated = struct.annotate(bytes);
  const shown = annotated.reduce((sum, part) => sum + part.bytes.length, 0);
  holds(shown <= bytes.length, 'an annotation shows no byte twice');
  if (bytes.length !== struct.size) {
    try {
      struct.decode(bytes);
    } catch (error) {
      if (error instanceof LengthError) return `${name}: refused`;
      throw error;
    }
    holds(false, 'a wrong length is refused', () => `${name}, ${bytes.length} bytes`);
  }
  const written = struct.encode(struct.decode(bytes));
  const again = struct.encode(struct.decode(written));
  holds(equal(written, again), 'what was written reads the same', () => `${name}: ${toHex(written)}`);
  for (const { offset, size, type } of struct.rows) {
    if (type.startsWith('reserved(') || nests(type)) continue;
    const kept = equal(written.subarray(offset, offset + size), bytes.subarray(offset, offset + size));
    holds(kept, 'every field is kept', () => `${name} at ${offset}`);
  }
  return `${name}: read`;
}

/** A structure within one, which has reserved fields of its own. */
const nests = (type: string): boolean => Object.values(STRUCTURES).some(({ name }) => name === type);
