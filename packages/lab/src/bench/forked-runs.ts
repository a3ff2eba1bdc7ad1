import { createHash } from 'node:crypto';
import type { Secret } from '@sevlab/codec/efi/secret-table';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { ROOT } from '@sevlab/guest-kernel-sim/user';
import type { Pipeline } from '../pipeline.ts';
import { SECRETS_FOLDER } from '../scenario/check.ts';
import { compare, type Effort } from './compare.ts';
import { type Figure, judged } from './figure.ts';
import { benchSecrets, benchSetup, verifiedPipeline } from './guest-under-test.ts';
import { mapSpread } from './spread.ts';

/** A regular file, among what getdents64 lists. */
const DT_REG = 8;
const SECRETS = 4;
const FIRMWARE = 4 * 1024 * 1024;
/** What a run is held against, so that two machines can be compared. */
const YARDSTICK = new Uint8Array(64 * 1024);

/** Runs per second that begin after LAUNCH_MEASURE: one packet injected, firmware, kernel, and all secrets read. */
export function forkedRunFigures(effort: Effort): Figure[] {
  const forkedRun = forkedRuns();
  const figure = (name: string, how: string, atLeast: number, read: (kernel: Kernel) => number): Figure => {
    const { ours, reference, ratio } = compare(
      () => forkedRun(read),
      () => createHash('sha256').update(YARDSTICK).digest(),
      effort,
    );
    return judged({
      name,
      what: `runs forked after LAUNCH_MEASURE, ${SECRETS} secrets enumerated and read ${how}`,
      reference: 'the clock; costs are compared with SHA-256 of 64 KiB',
      unit: 'per second and core',
      value: mapSpread(ours, (ms) => 1000 / ms),
      target: { atLeast },
      costRatio: ratio,
      ours,
      referenceTime: reference,
    });
  };
  return [
    figure('forked-runs', "through the kernel's inode table", 800, readThroughInodes),
    figure('forked-runs-memfs', 'through memfs', 700, readThroughMemfs),
  ];
}

/** Makes a run again and again from one snapshot. Throws when it does not read all secrets. */
export function forkedRuns(secrets: readonly Secret[] = benchSecrets(SECRETS)) {
  const base = verifiedPipeline(benchSetup(FIRMWARE)).fork(); // from here on nobody owns the cells of the image
  const packet = base.seal(secrets);
  return (read: (kernel: Kernel) => number): Pipeline => {
    const run = base.fork();
    run.inject(packet);
    run.finish();
    const found = read(run.boot());
    if (found !== secrets.length)
      throw new Error(`the guest shows ${found} secrets; expected ${secrets.length}`);
    return run;
  };
}

/** Lists the folder and reads each file, by system calls. Returns how many there are. */
export function readThroughInodes(kernel: Kernel): number {
  const root = kernel.as(ROOT);
  const files = root.readdir(SECRETS_FOLDER).filter(({ type }) => type === DT_REG);
  for (const { name } of files) root.readFile(`${SECRETS_FOLDER}/${name}`);
  return files.length;
}

function readThroughMemfs({ fs }: Kernel): number {
  const names = fs.readdirSync(SECRETS_FOLDER);
  for (const name of names) fs.readFileSync(`${SECRETS_FOLDER}/${name}`);
  return names.length;
}
