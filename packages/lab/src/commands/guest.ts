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

const MODES = ['bind', 'load', 'none'] as const;

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
    .option(
      '--mode <mode>',
      'bind: the probe’s own errno; load: as modprobe does; none: what the operations do',
      'load',
    )
    .option('--op <operation>', 'such as "rm GUID", after the first listing; may be repeated', repeated, [])
    .option('--json', 'one JSON line per file')
    .action((files: string[], options: GuestOptions) => {
      const areas = [...files, ...options.area];
      if (areas.length === 0)
        throw new CommandError(
          EXIT.usage,
          'no secret area given; expected one FILE or more; try --area FILE',
        );
      const { op, base, size, linux } = options;
      const mode = MODES.find((known) => known === options.mode);
      if (mode === undefined)
        throw new CommandError(EXIT.usage, `--mode ${options.mode}: expected bind, load or none`);
      const profile = attempt(() => kernelProfile(linux));
      const place = {
        ...(base !== undefined && { base: gpa(numberOf('--base', base)) }),
        ...(size !== undefined && { size: numberOf('--size', size) }),
      };
      const contents = areas.map((file) => readBytes(file));
      for (const [index, area] of contents.entries()) {
        const file = labelOf(areas[index]!); // one content a file
        const result = attempt(() =>
          probeArea({
            name: `${index}-${basename(file).replace(/[^\w.-]/g, '_')}`,
            area,
            profile,
            mode,
            operations: op,
            readFile: readBytes,
            ...place,
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
  const value = /^(0x[0-9a-fA-F]+|\d+)$/.test(text) ? BigInt(text) : undefined;
  if (value !== undefined && value < 1n << 64n) return value;
  throw new CommandError(EXIT.usage, `${option} ${text}: expected a number from 0 to 2^64-1, decimal or 0x…`);
}

/** What stands in the command line itself is not repeated. */
const labelOf = (file: string): string => file.replace(/^(hex|base64):.*$/s, '$1');

function describe(file: string, { probe, dmesg, read, ops = [] }: ProbeResult): string {
  const files = Array.isArray(read) ? read : [];
  const lines = [
    `probe ${JSON.stringify(probe)}`,
    ...dmesg,
    ...[...files, ...ops].map((value) => JSON.stringify(value)),
  ];
  return [`${file}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}
