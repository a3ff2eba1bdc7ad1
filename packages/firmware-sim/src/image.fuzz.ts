import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildImage, type ImageOptions } from './image.ts';
import { inspectImage } from './inspect.ts';
import { LAYOUTS, type LayoutName } from './layouts.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

const options: fc.Arbitrary<ImageOptions> = fc.record(
  {
    layout: fc.constantFrom(...(Object.keys(LAYOUTS) as LayoutName[])),
    size: fc.integer({ min: 1, max: 8 }).map((pages) => pages * 4096),
    secretArea: fc.oneof(fc.record({ base: u32, size: u32 }), fc.constant('none' as const)),
    reservesArea: fc.boolean(),
    publishesArea: fc.boolean(),
    seed: fc.integer(),
  },
  { requiredKeys: ['layout'] },
);

test('an image says what it was built to say', () => {
  fc.assert(
    fc.property(options, (wanted) => {
      const { manifest, secretArea, hashesArea, entries, size } = inspectImage(buildImage(wanted));
      const layout = LAYOUTS[wanted.layout];
      const area = wanted.secretArea ?? layout.secretArea;
      expect(size).toBe(wanted.size ?? 256 * 1024);
      expect(secretArea).toEqual(area === 'none' ? undefined : area);
      expect(hashesArea).toEqual(layout.hashesArea);
      expect(manifest).toMatchObject({
        imageSize: size,
        layout: `${wanted.layout}\0\0`,
        reservesArea: (wanted.reservesArea ?? true) ? 1 : 0,
        publishesArea: (wanted.publishesArea ?? true) ? 1 : 0,
      });
      const metadata = entries.find(({ name }) => name === 'SEV metadata offset')?.decoded;
      expect(metadata?.kind === 'offset' ? metadata.sections : []).toEqual(layout.sevMetadata);
    }),
  );
});

test('any bytes can be inspected', () => {
  const image = buildImage({ layout: '202405', size: 4096 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { maxLength: 8 }),
      fc.nat(4096),
      (damage, length) => {
        const bytes = image.slice();
        for (const [at, value] of damage) bytes[4095 - (at % 400)] = value;
        expect(inspectImage(bytes).size).toBe(4096);
        expect(inspectImage(bytes.subarray(length)).size).toBe(4096 - length);
      },
    ),
  );
});
