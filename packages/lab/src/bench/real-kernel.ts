import { seededEntropy } from '@sevlab/ambient/entropy';
import { drawProbe } from '@sevlab/conformance/fuzz-areas';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { probeArea } from '@sevlab/guest-kernel-sim/standalone';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import { probeForReal } from '@sevlab/real-guest/probe-areas';
import { isOnPath } from '../on-path.ts';
import { REAL_GUEST_FOLDER } from '../root-folder.ts';
import { type Effort, processorTime } from './compare.ts';
import type { Measured } from './figure.ts';
import { judged } from './figure.ts';
import { BENCH_SEED } from './guest-under-test.ts';
import { spreadOf } from './spread.ts';

const QEMU = 'qemu-system-x86_64';
/** One boot of a real kernel answers so many. */
const AREAS = 500;

/** The emulated kernel beside a real one in QEMU, on the same secret areas, sound ones and broken ones. */
export async function realKernelFigures({ atLeast }: Effort): Promise<Measured[]> {
  const what = `the emulated kernel on ${AREAS} secret areas`;
  const name = 'emulated-kernel';
  const parts = findGuestParts(REAL_GUEST_FOLDER);
  if (parts === undefined || !isOnPath(QEMU))
    return [{ name, what, missing: 'no guest kernel, or no QEMU; sevlab doctor says how to get them' }];
  if (atLeast < 1) return [{ name, what, missing: 'too much work for so small a benchmark' }];
  const probes = Array.from({ length: AREAS }, (_, i) =>
    drawProbe(`${i}`, seededEntropy(BENCH_SEED, `area ${i}`)),
  );
  const profile = kernelProfile('6.1');
  const began = performance.now();
  await probeForReal(probes, parts);
  const real = performance.now() - began;
  const emulated = spreadOf(
    Array.from({ length: 5 }, () => {
      const start = processorTime();
      for (const probe of probes) probeArea({ ...probe, profile });
      return (processorTime() - start) / AREAS;
    }),
  );
  const reference = spreadOf([real / AREAS]);
  const ratio = spreadOf([emulated.low, emulated.median, emulated.high].map((ms) => ms / reference.median));
  return [
    judged({
      ...{
        name,
        what,
        unit: 'times',
        value: ratio,
        costRatio: ratio,
        ours: emulated,
        referenceTime: reference,
      },
      reference: `Linux 6.1 in QEMU on the same, once, by the clock on the wall, one boot included`,
      target: { atMost: 1 },
    }),
  ];
}
