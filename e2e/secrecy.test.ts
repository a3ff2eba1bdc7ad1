import { createHash } from 'node:crypto';
import { gpa } from '@sevlab/codec/address';
import { indexOfBytes } from '@sevlab/codec/bytes';
import type { Secret } from '@sevlab/codec/efi/secret-table';
import { type Guid, guidFromBytes } from '@sevlab/codec/guid';
import { createPipeline, type Pipeline } from '@sevlab/lab/pipeline';
import { setupOf } from '@sevlab/lab/scenario/setup';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** Bytes in a row that nobody but the owner of a secret may hold. */
const WINDOW = 8;
const SECRET_PAGE = gpa(0x81_0000n);

/** A guest that was measured, verified, and waits for its packet. */
const measured = (seed: string): Pipeline => {
  const { setup } = setupOf({ version: 1, title: 'secrecy', steps: [] }, '', { record: false, seed });
  const pipeline = createPipeline(setup);
  pipeline.offer();
  pipeline.launch();
  pipeline.measure();
  pipeline.verify();
  return pipeline;
};

const secretsArbitrary: fc.Arbitrary<Secret[]> = fc
  .uniqueArray(
    fc.record({
      guid: fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .filter((bytes) => bytes.some((byte) => byte !== 0)),
      data: fc
        .tuple(fc.string(), fc.integer({ min: WINDOW, max: 200 }))
        .map(
          ([seed, outputLength]) =>
            new Uint8Array(createHash('shake256', { outputLength }).update(seed).digest()),
        ),
    }),
    { minLength: 1, maxLength: 5, selector: ({ guid }) => guid.join() },
  )
  .map((drawn) => drawn.map(({ guid, data }) => ({ guid: guidFromBytes(guid) as Guid, data })));

/** Every run of that many bytes of every secret. They look random, so none occurs in a public input by chance. */
function* windowsOf(secrets: readonly Secret[]): Generator<Uint8Array> {
  for (const { data } of secrets) {
    for (let at = 0; at + WINDOW <= data.length; at++) yield data.subarray(at, at + WINDOW);
  }
}

/** The first window of any secret that the host finds in touched DRAM. */
function leak(pipeline: Pipeline, secrets: readonly Secret[]): Uint8Array | undefined {
  const pages = [...pipeline.actors.machine.host.memory.touchedPages()].map(({ cells }) =>
    Buffer.from(cells),
  );
  const all = Buffer.concat(pages);
  for (const window of windowsOf(secrets)) if (all.includes(Buffer.from(window))) return window;
  return undefined;
}

describe('drawn secrets', () => {
  const base = measured('secrecy');

  it('are never in DRAM for the host, from the packet until after boot, and gone for the guest after rm', () => {
    fc.assert(
      fc.property(secretsArbitrary, (secrets) => {
        const pipeline = base.fork();
        pipeline.seal(secrets);
        expect(pipeline.inject()).toBe('SUCCESS');
        expect(leak(pipeline, secrets)).toBeUndefined();
        pipeline.finish();
        const kernel = pipeline.boot();
        expect(leak(pipeline, secrets)).toBeUndefined();

        const view = () =>
          pipeline.progress.running!.resume(({ memory }) => memory.readPrivate(SECRET_PAGE, 4096));
        for (const { guid, data } of secrets) {
          expect(indexOfBytes(view(), data)).not.toBe(-1);
          expect(kernel.run(`cat /sys/kernel/security/secrets/coco/${guid}`).bytes).toEqual(data);
          expect(kernel.run(`rm /sys/kernel/security/secrets/coco/${guid}`).status).toBe(0);
        }
        for (const window of windowsOf(secrets)) expect(indexOfBytes(view(), window)).toBe(-1);
        expect(leak(pipeline, secrets)).toBeUndefined();
      }),
      { numRuns: 25 },
    );
  });

  it('would be found if they were there: the search sees a secret that the host writes itself', () => {
    const secrets = [
      {
        guid: guidFromBytes(new Uint8Array(16).fill(1)),
        data: new TextEncoder().encode('a secret in clear'),
      },
    ];
    const pipeline = base.fork();
    const [place] = pipeline.actors.machine.host.locate(
      pipeline.progress.launching!.record.guest,
      SECRET_PAGE,
      1,
    );
    pipeline.actors.machine.host.memory.write(place!.spa!, secrets[0]!.data);
    expect(leak(pipeline, secrets)).toEqual(secrets[0]!.data.slice(0, WINDOW));
  });
});
