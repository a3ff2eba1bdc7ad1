import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { gpa } from '@sevlab/codec/address';
import { fromHex } from '@sevlab/codec/bytes';
import { drawTables } from '@sevlab/conformance/fuzz-tables';
import { type KernelProfile, profileOfRelease } from '@sevlab/guest-kernel-sim/profile';
import { type ProbeResult, probeArea } from '@sevlab/guest-kernel-sim/standalone';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import { kernelRelease, probeForReal, type RealProbe } from '@sevlab/real-guest/probe-areas';
import { beforeAll, describe, expect, it } from 'vitest';
import { realKernelIsThere } from './test/real-kernel.ts';

const SEED = process.env.SEVLAB_FUZZ_SEED ?? 'tables';
const BOOTS = 40;
const root = fileURLToPath(new URL('..', import.meta.url));
const vectors = join(root, 'packages/guest-kernel-sim/test/vectors');
const parts = () => findGuestParts(join(root, 'packages/real-guest'))!;
let profile: KernelProfile;

/** What a kernel did. What lies in memory that it may take is no answer. */
function answer({ area_after, ...result }: ProbeResult): object {
  const taken = result.boot?.iomem.some((line) => line.endsWith('System RAM') && contains(line, 0x80_c000));
  return taken ? result : { ...result, area_after };
}

function contains(line: string, address: number): boolean {
  const [first = '', last = ''] = line.split(/[- ]/);
  return Number.parseInt(first, 16) <= address && address <= Number.parseInt(last, 16);
}

const real = async (probe: RealProbe): Promise<object> => answer((await probeForReal([probe], parts()))[0]!);
const emulated = (probe: RealProbe): object => answer(probeArea({ ...probe, profile }));

interface Recorded {
  readonly name: string;
  readonly commandLine: string;
  readonly writes: readonly (readonly [string, string])[];
}

const readLines = <T>(name: string): T[] =>
  readFileSync(join(vectors, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const recorded = readLines<Recorded>('efi-tables-6.1.192.jsonl');

/** The table that the recorded boots had in their area. */
const documented = fromHex(
  readLines<{ name: string; area: { hex: string }[] }>('efi-secret-6.1.192.jsonl').find(
    ({ name }) => name === 'docs4',
  )!.area[0]!.hex,
);

/** Boots after which a real kernel has nothing to tell. */
const ENDLESS: Readonly<Record<string, string>> = {
  loader_signature_EL32: 'its decompressor halts',
  no_noruntime: 'it panics in runtime services that are not there',
};

describe.runIf(realKernelIsThere)('the emulated kernel equals the real one', { timeout: 90_000 }, () => {
  beforeAll(async () => {
    profile = profileOfRelease(await kernelRelease(parts()));
  });

  it('on all but two of the recorded boots', () => {
    expect(recorded.filter(({ name }) => name in ENDLESS)).toHaveLength(2);
    expect(recorded).toHaveLength(27);
  });

  it.each(recorded.filter(({ name }) => !(name in ENDLESS)).map((one) => [one.name, one] as const))(
    'on the recorded boot %s',
    async (name, { commandLine, writes }) => {
      const bytes = writes.map(([at, hex]) => ({ at: gpa(BigInt(at)), bytes: fromHex(hex) }));
      const tables = { commandLine, bytes };
      const probe: RealProbe = { name, area: documented, mode: 'load', operations: [], tables };
      expect(emulated(probe)).toEqual(await real(probe));
    },
  );

  it.each(Array.from({ length: BOOTS }, (_, i) => `${SEED}-${i}`))(
    'on the random tables %s',
    async (name) => {
      const probe = drawTables(name, seededEntropy(SEED, name));
      expect(emulated(probe)).toEqual(await real(probe));
    },
  );
});
