import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { gpa } from '@sevlab/codec/address';
import { concat, fromHex } from '@sevlab/codec/bytes';
import { drawProbe, drawSequence, type Probe } from '@sevlab/conformance/fuzz-areas';
import { shrinkProbe } from '@sevlab/conformance/shrink-probe';
import { type KernelProfile, profileOfRelease } from '@sevlab/guest-kernel-sim/profile';
import { type ProbeResult, probeArea } from '@sevlab/guest-kernel-sim/standalone';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import { kernelRelease, probeForReal } from '@sevlab/real-guest/probe-areas';
import { beforeAll, describe, expect, it } from 'vitest';
import { realKernelIsThere } from './test/real-kernel.ts';

const SEED = process.env.SEVLAB_FUZZ_SEED ?? 'areas';
const root = fileURLToPath(new URL('..', import.meta.url));
const parts = () => findGuestParts(join(root, 'packages/real-guest'))!;
let profile: KernelProfile;

const real = (probes: readonly Probe[]): Promise<ProbeResult[]> => probeForReal(probes, parts());
const emulated = (probes: readonly Probe[]): ProbeResult[] =>
  probes.map((probe) => probeArea({ ...probe, profile }));

/** For each probe, whether the two kernels say something else. */
async function differs(probes: readonly Probe[]): Promise<boolean[]> {
  const theirs = await real(probes);
  return emulated(probes).map((ours, i) => !isDeepStrictEqual(ours, theirs[i]));
}

/** The smallest probe like that one, in a file, and the command that shows the emulated side of it. */
async function report(probe: Probe): Promise<unknown> {
  const small = await shrinkProbe(probe, differs);
  mkdirSync(join(root, 'reports'), { recursive: true });
  const file = join('reports', `${small.name}.bin`);
  writeFileSync(join(root, file), small.area);
  const options = [
    ...(small.base === undefined ? [] : [`--base 0x${small.base.toString(16)}`]),
    ...(small.size === undefined ? [] : [`--size ${small.size}`]),
    ...small.operations.map((line) => `--op '${line}'`),
  ];
  const again = `./sevlab guest --linux ${profile.name} --mode ${small.mode} ${options.join(' ')} --json ${file}`;
  return { again, real: (await real([small]))[0], emulated: emulated([small])[0] };
}

describe.runIf(realKernelIsThere)('the emulated kernel equals the real one', () => {
  beforeAll(async () => {
    profile = profileOfRelease(await kernelRelease(parts()));
  });

  it.each([
    ['areas', 20_000, drawProbe],
    ['sequences of operations', 2_000, drawSequence],
  ] as const)('on random %s', { timeout: 600_000 }, async (what, count, draw) => {
    const probes = Array.from({ length: count }, (_, i) =>
      draw(`${SEED}-${i}`, seededEntropy(SEED, `${what} ${i}`)),
    );
    const begin = performance.now();
    const theirs = await real(probes);
    const middle = performance.now();
    const ours = emulated(probes);
    const end = performance.now();
    const different = probes.filter((_, i) => !isDeepStrictEqual(ours[i], theirs[i]));
    const rate = (from: number, to: number): number => Math.round((count / (to - from)) * 1000);
    process.stderr.write(
      `${count} random ${what}, seed '${SEED}': ${different.length} differences; ` +
        `real kernel ${rate(begin, middle)} per second, emulated ${rate(middle, end)}\n`,
    );
    expect(different[0] && (await report(different[0]))).toBeUndefined();
  });

  it('on every recorded area, in both modes: the recordings are still what a real kernel does', {
    timeout: 300_000,
  }, async () => {
    const probes = recordedProbes();
    const theirs = await real(probes);
    const ours = emulated(probes);
    const different = probes.filter((_, i) => !isDeepStrictEqual(ours[i], theirs[i]));
    expect(different.map(({ name, mode }) => `${name}, ${mode}`)).toEqual([]);
  });
});

/** Which recordings a kernel with PCI and PAT answers otherwise than the recorded one, which had neither. */
const OF_ANOTHER_CONFIGURATION: ReadonlySet<string> = new Set(['base_half_ram']);

interface Recorded {
  readonly name: string;
  readonly area: readonly Piece[];
  readonly base: string;
  readonly size: string;
  readonly at: string;
  readonly operations: readonly string[];
}

function recordedProbes(): Probe[] {
  const file = join(root, 'packages/guest-kernel-sim/test/vectors/efi-secret-6.1.192.jsonl');
  const all: Recorded[] = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  /** `/cases/NAME`, where the recorded operations find the area of another case. */
  const readFile = (path: string) =>
    all.filter(({ name }) => path === `/cases/${name}`).map(({ area }) => areaOf(area))[0];
  return all
    .filter(({ name }) => !OF_ANOTHER_CONFIGURATION.has(name))
    .flatMap(({ name, area, base, size, at, operations }) =>
      (['bind', 'load'] as const).map((mode) => ({
        ...{ name, mode, operations, readFile, area: areaOf(area) },
        ...{ base: gpa(BigInt(base)), size: BigInt(size), at: gpa(BigInt(at)) },
      })),
    );
}

type Piece = { readonly hex: string } | { readonly fill: string; readonly count: number };

const areaOf = (pieces: readonly Piece[]): Uint8Array =>
  concat(
    ...pieces.map((piece) =>
      'hex' in piece ? fromHex(piece.hex) : new Uint8Array(piece.count).fill(Number.parseInt(piece.fill, 16)),
    ),
  );
