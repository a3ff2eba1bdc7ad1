import { basename } from 'node:path';
import { gpa } from '@sevlab/codec/address';
import { KERNEL_PROFILES, kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { type ProbeResult, probeArea } from '@sevlab/guest-kernel-sim/standalone';
import type { Command } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { readBytes } from './input.ts';
import { print } from './output.ts';

interface GuestOptions {
  readonly area: readonly string[];
  readonly base?: string;
  readonly size?: string;
  readonly linux: string;
  readonly mode: string;
  readonly op: readonly string[];
  readonly json?: boolean;
}

const repeated = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** sevlab guest: only the emulated kernel, on given secret areas. */
export function addGuest(program: Command): void {
  program
    .command('guest')
    .description('run only the emulated kernel, on given secret areas')
    .argument('[file...]', 'what lies at the start of the secret area; the rest is zero')
    .option('--area <file>', 'the same as a FILE, answered after those; may be repeated', repeated, [])
    .option('--base <gpa>', 'where the area lies; in reserved memory')
    .option('--size <bytes>', 'what the location announces')
    .option('--linux <version>', `one of ${KERNEL_PROFILES.join(', ')}`, '6.1')
    .option('--mode <mode>', 'bind: the probe’s own errno; load: as modprobe does', 'load')
    .option('--op <operation>', 'such as "rm GUID", after the first listing; may be repeated', repeated, [])
    .option('--json', 'one JSON line per file')
    .action((files: string[], options: GuestOptions) => {
      const areas = [...files, ...options.area];
      if (areas.length === 0)
        throw new CommandError(
          EXIT.usage,
          'no secret area given; expected one FILE or more; try --area FILE',
        );
      if (options.mode !== 'bind' && options.mode !== 'load') {
        throw new CommandError(EXIT.usage, `--mode ${options.mode}: expected bind or load`);
      }
      const { mode, op, base, size, linux } = options;
      const profile = attempt(() => kernelProfile(linux));
      for (const [index, file] of areas.entries()) {
        const result = attempt(() =>
          probeArea({
            name: `${index}-${basename(file).replace(/[^\w.-]/g, '_')}`,
            area: readBytes(file),
            profile,
            mode,
            operations: op,
            readFile: readBytes,
            ...(base !== undefined && { base: gpa(numberOf('--base', base)) }),
            ...(size !== undefined && { size: numberOf('--size', size) }),
          }),
        );
        if (options.json) print(JSON.stringify(result));
        else print(describe(file, result));
      }
    });
}

function attempt<T>(probe: () => T): T {
  try {
    return probe();
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(EXIT.usage, error.message);
    throw error;
  }
}

function numberOf(option: string, text: string): bigint {
  if (!/^(0x[0-9a-fA-F]+|\d+)$/.test(text))
    throw new CommandError(EXIT.usage, `${option} ${text}: expected a number, decimal or 0x…`);
  return BigInt(text);
}

function describe(file: string, { probe, dmesg, read, ops = [] }: ProbeResult): string {
  const files = Array.isArray(read) ? read : [];
  const lines = [
    `probe ${JSON.stringify(probe)}`,
    ...dmesg,
    ...[...files, ...ops].map((value) => JSON.stringify(value)),
  ];
  return [`${file}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}
