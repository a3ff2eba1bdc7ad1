import { readFileSync } from 'node:fs';
import { seededEntropy } from '@sevlab/ambient/entropy';

import { type Guid, guidFromBytes } from '@sevlab/codec/guid';
import { POLICY } from '@sevlab/codec/sev/policy';
import { buildImage } from '@sevlab/firmware-sim/image';
import { LAYOUTS, type LayoutName } from '@sevlab/firmware-sim/layouts';
import { createPipeline, type Pipeline } from '@sevlab/lab/pipeline';
import {
  BOOT_OPERATIONS,
  bootEmulated,
  bootForReal,
  differencesOf,
  type RealBoot,
} from '@sevlab/lab/real-boot';
import { WATCHED_COMMAND_LINE } from '@sevlab/real-guest/command-line';
import { initrdFor } from '@sevlab/real-guest/first-program';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import { usableAccelerator } from '@sevlab/real-guest/qemu';
import { describe, expect, it } from 'vitest';
import { complaintsOf, realKernelIsThere } from './test/real-kernel.ts';

const MIB = 1n << 20n;
const MACHINES = 24;
/** From the least that a kernel boots in to what lies on both sides of the hole below 4 GiB. */
const SIZES = [128n, 129n, 192n, 256n, 384n, 512n, 777n, 1024n, 1536n, 2048n, 2815n, 2816n, 3072n, 4096n];

interface Varied {
  readonly seed: string;
  readonly memorySize: bigint;
  readonly layout: LayoutName;
  readonly kernelHashes: boolean;
  readonly secrets: readonly { readonly guid: Guid; readonly data: Uint8Array }[];
}

/** A machine that the number chooses: the first ones go through all sizes and layouts in turn. */
function varied(number: number): Varied {
  const entropy = seededEntropy(`machine ${number}`, 'choices');
  const draw = (below: number): number => entropy.bytes(1)[0]! % below;
  const layouts = Object.keys(LAYOUTS) as LayoutName[]; // keys of a constant
  const layout = layouts[number % layouts.length]!;
  return {
    seed: `machine ${number}`,
    memorySize: SIZES[number % SIZES.length]! * MIB,
    layout,
    kernelHashes: LAYOUTS[layout].hashesArea !== undefined && draw(2) === 1,
    secrets: Array.from({ length: draw(6) }, () => ({
      guid: guidFromBytes(entropy.bytes(16)),
      data: entropy.bytes(draw(100)),
    })),
  };
}

function launched(
  { kernelHashes, layout, memorySize, secrets, seed }: Varied,
  operations: readonly string[],
): Pipeline {
  const parts = findGuestParts(new URL('../packages/real-guest', import.meta.url).pathname)!;
  const pipeline = createPipeline({
    ...{ seed, part: 'genoa', profile: 'genoa-1.55', encryption: 'XEX', policy: POLICY.NODBG },
    ...{ memorySize, linux: '6.1', record: true, kernelHashes },
    image: buildImage({ layout, ...(!kernelHashes && { verifier: 'none' }) }),
    directBoot: {
      kernel: readFileSync(parts.kernel),
      initrd: initrdFor(parts, [...BOOT_OPERATIONS, ...operations]),
      commandLine: WATCHED_COMMAND_LINE,
    },
  });
  pipeline.offer();
  pipeline.launch();
  pipeline.measure();
  pipeline.verify();
  pipeline.seal(secrets);
  expect(pipeline.inject()).toBe('SUCCESS');
  pipeline.finish();
  pipeline.startFirmware();
  return pipeline;
}

const linesOf = ({ answers }: RealBoot): string[] =>
  answers.flatMap(({ k }) => (Array.isArray(k) ? k.map(String) : []));

describe.runIf(realKernelIsThere)('a real kernel accepts the tables of', () => {
  it.each(Array.from({ length: MACHINES }, (_, number) => varied(number)))(
    '$seed: $memorySize bytes, layout $layout, kernel hashes $kernelHashes',
    { timeout: 180_000 },
    async (machine) => {
      const operations = [
        'ls',
        'readall',
        ...machine.secrets.map(({ guid }) => `rm ${guid}`),
        'ls',
        'unload',
      ];
      const pipeline = launched(machine, operations);
      const boot = (): Promise<RealBoot> =>
        bootForReal(pipeline, { accelerator: usableAccelerator(), seconds: 50 });
      const real = await boot();
      const emulated = bootEmulated(pipeline, operations);
      expect(real.status, real.console).toBe(0);
      const lines = linesOf(real);
      if (LAYOUTS[machine.layout].locationMemoryType !== 'EfiBootServicesData') {
        expect(differencesOf(real, emulated)).toEqual([]);
        const logs = [lines]; // of the boot that was, then of others
        expect(await complaintsOf(async () => logs.shift() ?? linesOf(await boot()))).toEqual([]);
      } else {
        // boot services memory is the kernel's to use: what it finds there is not said, only where it looks
        const efi = emulated.answers[0]!.k as string[];
        expect(lines, real.console).toEqual(expect.arrayContaining(efi));
      }
      expect(lines.join('\n')).toContain('CocoSecret=0x');
      expect(real.console).not.toMatch(/Unable to handle|Oops/);
    },
  );
});
