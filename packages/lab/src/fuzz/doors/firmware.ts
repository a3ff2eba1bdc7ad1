import { readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { findResetBlock } from '@sevlab/codec/ovmf/reset-block';
import { buildImage } from '@sevlab/firmware-sim/image';
import { inspectImage } from '@sevlab/firmware-sim/inspect';
import { LAYOUTS, type LayoutName } from '@sevlab/firmware-sim/layouts';
import { VmmError } from '@sevlab/vmm-sim/errors';
import { findSecretArea } from '@sevlab/vmm-sim/firmware-image';
import fc from 'fast-check';
import { arbitraryDoor, type Door, holds } from '../door.ts';
import { attempted } from '../failure.ts';

const SIZE = 4096;
const names = Object.keys(LAYOUTS) as LayoutName[]; // keys of a literal record

interface Input {
  readonly layout: LayoutName;
  /** Places from the end of the image, and what is written there. */
  readonly changes: readonly (readonly [fromEnd: number, bytes: Uint8Array])[];
  /** How much is left of its end. Bytes. */
  readonly length: number;
}

/** Firmware images: the table at their end, what it points to, and who looks for it. */
export const firmwareDoor: Door = arbitraryDoor<Input>({
  name: 'firmware',
  about: 'firmware images: looked into whatever they are; an area that is found is one that the table names',
  ...{ share: 20, chunk: 500, cost: 200 },
  inputs: () =>
    fc.record({
      layout: fc.constantFrom(...names),
      changes: fc.array(
        fc.tuple(
          fc.oneof({ weight: 4, arbitrary: fc.nat(420) }, { weight: 1, arbitrary: fc.nat(SIZE - 1) }),
          fc.oneof(
            fc.uint8Array({ minLength: 1, maxLength: 4 }),
            fc.constantFrom(0, 0xff, 0x80).map((byte) => new Uint8Array(2).fill(byte)),
            fc.uint8Array({ minLength: 16, maxLength: 16 }),
          ),
        ),
        { maxLength: 6 },
      ),
      length: fc.oneof({ weight: 6, arbitrary: fc.constant(SIZE) }, { weight: 1, arbitrary: fc.nat(SIZE) }),
    }),
  start: () => {
    const images = Object.fromEntries(names.map((layout) => [layout, buildImage({ layout, size: SIZE })]));
    return ({ layout, changes, length }) => {
      const whole = images[layout]!.slice(); // there is one for each layout
      for (const [fromEnd, bytes] of changes) whole.set(bytes.subarray(0, fromEnd + 1), SIZE - 1 - fromEnd);
      return look(whole.subarray(SIZE - length));
    };
  },
});

function look(image: Uint8Array): string {
  const { size, secretArea, entries } = inspectImage(image);
  holds(size === image.length, 'an image has its size');
  findResetBlock(image);
  const table = readGuidedTable(image);
  for (const { data } of entries) holds(data.length < image.length, 'an entry is within the image');
  const found = attempted(
    () => {
      const { base, size: room } = findSecretArea(table, 0x2000_0000n);
      holds(base === secretArea?.base && room === secretArea.size, 'all find the same secret area');
    },
    (error) => error instanceof VmmError,
  );
  return `${entries.length} entries, secret area ${found}`;
}
