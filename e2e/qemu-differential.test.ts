import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isComparable, message } from '@sevlab/lab/fuzz/qmp-messages';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { optionalProgram } from './test/optional-program.ts';
import { QemuPair } from './test/qemu-pair.ts';
import { QEMU } from './test/real-qemu.ts';

const there = optionalProgram(QEMU, 'apt-get install --no-install-recommends qemu-system-x86');

/** How long each machine is asked, and where the drawing starts; other values look further. */
const SECONDS = Number(process.env.DIFFERENTIAL_SECONDS ?? 5);
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const BATCH = 50;

const folder = mkdtempSync(join(tmpdir(), 'sevlab-pair-'));
const before = process.cwd();
beforeAll(() => process.chdir(folder)); // where the real one is too: damage may leave a name of a file that can be written
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

/** Bytes that differ from one another, and at the reset vector a processor that halts. */
const firmware = Uint8Array.from({ length: 0x2_0000 }, (_, i) => (i * 37 + (i >> 8)) & 0xff);
firmware.set([0xfa, 0xf4, 0xeb, 0xfd], firmware.length - 16); // cli; hlt; back
const FLASH = join(folder, 'halt.fd');
writeFileSync(FLASH, firmware);

const COMMON = ['-accel', 'tcg', '-nodefaults', '-display', 'none', '-S'];
const flash = ['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${FLASH}`];
const MACHINES: Readonly<Record<string, readonly string[]>> = {
  q35: ['-machine', 'q35', '-m', '64', ...flash, ...COMMON],
  'pc with a name, a UUID and three processors': [
    ...['-machine', 'pc', '-m', '3G', '-smp', '3', ...flash, ...COMMON],
    ...['-name', 'pär', '-uuid', '3d1A2b3c-0000-4000-8000-00000000fEed'],
  ],
  'q35 before its initialization': ['-machine', 'q35', '-m', '64', '-preconfig', ...flash, ...COMMON],
  'no machine': ['-machine', 'none', ...COMMON],
};

/** What differs by nature, as a pattern and what it becomes on both sides. */
const DIFFERS: readonly (readonly [why: string, pattern: RegExp, becomes: string])[] = [
  ['the time', /"seconds": \d+, "microseconds": \d+/g, '"seconds": N, "microseconds": N'],
  ['threads of a process', /("thread-id": |thread_id=)\d{3,}/g, '$1N'],
  ['host virtual addresses', /is 0x[0-9a-f]{10,}\\r/g, 'is HVA\\r'],
];

const alike = (text: string | undefined): string | undefined =>
  DIFFERS.reduce((rest, [, pattern, becomes]) => rest?.replace(pattern, becomes), text);

/** Several messages in one go. */
const group = fc.array(message, { minLength: 1, maxLength: 8 });
const inOne = (messages: readonly string[]): string => messages.join('\n');

interface Difference {
  readonly real: string | undefined;
  readonly ours: string | undefined;
}

/** Where the two first say something else. */
async function firstDifference(
  pair: QemuPair,
  groups: readonly (readonly string[])[],
): Promise<(Difference & { readonly at: number }) | undefined> {
  const { real, ours } = await pair.ask(groups.map(inOne));
  for (const at of groups.keys()) {
    const difference = { real: alike(real[at]), ours: alike(ours[at]) };
    if (difference.real !== difference.ours) return { at, ...difference };
  }
  return undefined;
}

/** Both, freshly started, say something else to these messages. */
async function differOn(
  arguments_: readonly string[],
  messages: readonly string[],
): Promise<Difference | undefined> {
  const pair = await QemuPair.start(folder, arguments_);
  try {
    return await firstDifference(pair, [messages]);
  } finally {
    await pair.stop();
  }
}

const SHRINKING_MS = 20_000;

/** As few messages as still differ, and as short ones. */
async function shrink(
  arguments_: readonly string[],
  messages: readonly string[],
): Promise<readonly string[]> {
  const until = Date.now() + SHRINKING_MS;
  const differs = async (tried: readonly string[]): Promise<boolean> =>
    Date.now() < until && tried.every(isComparable) && (await differOn(arguments_, tried)) !== undefined;
  let least = await fewest(messages, differs);
  for (const [i, message_] of least.entries()) {
    const letters = await fewest([...message_], (tried) => differs(least.with(i, tried.join(''))));
    least = least.with(i, letters.join(''));
  }
  return least;
}

/** Leaves out halves, quarters and so on for as long as it holds. */
async function fewest<T>(
  all: readonly T[],
  holds: (part: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let least = all;
  for (let size = Math.ceil(all.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < least.length; ) {
      const without = least.toSpliced(at, size);
      if (without.length > 0 && (await holds(without))) least = without;
      else at += size;
    }
  }
  return least;
}

describe.skipIf(!there)('random messages get the same answers from the real QEMU', () => {
  test.each(Object.entries(MACHINES))('%s', async (name, arguments_) => {
    let pair = await QemuPair.start(folder, arguments_);
    const begin = Date.now();
    let [asked, seed] = [0, SEED];
    let since: string[] = [];
    while (Date.now() - begin < SECONDS * 1000) {
      const groups = fc.sample(group, { seed: seed++, numRuns: BATCH });
      const difference = await firstDifference(pair, groups);
      if (difference !== undefined) {
        await pair.stop();
        const suspects = groups.slice(0, difference.at + 1).flat();
        const alone = groups[difference.at]!; // it is in the batch
        const all = (await differOn(arguments_, alone)) ? alone : [...since, ...suspects];
        const least = await shrink(arguments_, all);
        expect.fail(
          `seed ${seed - 1}, after ${asked} messages: ${JSON.stringify(least)}\n` +
            JSON.stringify((await differOn(arguments_, least)) ?? difference, undefined, 2),
        );
      }
      asked += groups.flat().length;
      since.push(...groups.flat());
      if (pair.ended || since.length > 5000) {
        await pair.stop();
        pair = await QemuPair.start(folder, arguments_);
        since = [];
      }
    }
    await pair.stop();
    const seconds = (Date.now() - begin) / 1000;
    process.stderr.write(
      `${name}: ${asked} messages to QEMU and to sevlab, ${Math.round(asked / seconds)} per second, 0 differences\n`,
    );
    expect(asked).toBeGreaterThan(100);
  });
});
