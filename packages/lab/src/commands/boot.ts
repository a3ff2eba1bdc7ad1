import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@sevlab/codec/bytes';
import { SEV_HASH_TABLE_BLOCK_GUID } from '@sevlab/codec/guid';
import { findArea, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { WATCHED_COMMAND_LINE } from '@sevlab/real-guest/command-line';
import { type GuestAnswer, initrdFor } from '@sevlab/real-guest/first-program';
import { type Accelerator, usableAccelerator } from '@sevlab/real-guest/qemu';
import { CommandFailed, VmmError } from '@sevlab/vmm-sim/errors';
import { type Command, Option } from 'commander';
import { DEMONSTRATION } from '../demonstration.ts';
import { createPipeline, type Pipeline, Refused, type Setup } from '../pipeline.ts';
import {
  BOOT_OPERATIONS,
  bootEmulated,
  bootForReal,
  type Difference,
  differencesOf,
  type EmulatedBoot,
  operationName,
  type RealBoot,
} from '../real-boot.ts';
import { ROOT_FOLDER } from '../root-folder.ts';
import { loadScenario } from '../scenario/load.ts';
import { setupOf } from '../scenario/setup.ts';
import { describeScenarioError, ScenarioError } from '../scenario/values.ts';
import { systemReason } from '../system-reason.ts';
import { traceText } from '../trace-file.ts';
import { CommandError, EXIT } from './exit.ts';
import { readBytes } from './input.ts';
import { print, printJson, writeOutput } from './output.ts';
import { guestParts, withQemu } from './real-kernel.ts';

interface BootOptions {
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly accel: Accelerator | 'auto';
  readonly seconds: string;
  readonly seed?: string;
  readonly trace?: string;
  readonly reveal?: boolean;
  readonly json?: boolean;
}

/** sevlab boot */
export function addBoot(program: Command): void {
  program
    .command('boot')
    .description('the same pipeline, but a real Linux kernel boots on the memory that the emulator prepared')
    .argument('[scenario]', 'whose platform, firmware and secrets to take; default: those of sevlab demo')
    .option('--kernel <file>', 'your own bzImage; default: the one that packages/real-guest/build.sh made')
    .option('--initrd <file>', 'its initrd')
    .option('--append <text>', `its command line, behind efi=noruntime; default: ${WATCHED_COMMAND_LINE}`)
    .addOption(
      new Option('--accel <name>', 'how QEMU runs it').choices(['auto', 'kvm', 'tcg']).default('auto'),
    )
    .option('--seconds <number>', 'when to give up', '60')
    .option('--seed <text>', 'another seed than the scenario’s: other keys, other bytes')
    .option('--trace <file>', 'write the trace of the simulated part there, JSON Lines')
    .option('--reveal', 'show what is in the secrets of a scenario of your own, in a trace too')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nGuest owner, AMD-SP, LAUNCH_SECRET and firmware are simulated; then QEMU takes the memory as the guest sees it.\n' +
        'Nothing is encrypted there. There are no runtime services, so efi=noruntime stands first on the command line.',
    )
    .action(async (scenario: string | undefined, options: BootOptions) => {
      const seconds = Number(options.seconds);
      if (!(seconds > 0))
        throw new CommandError(EXIT.usage, `--seconds: expected a positive number, got ${options.seconds}`);
      if (options.kernel === undefined && options.initrd !== undefined)
        throw new CommandError(EXIT.usage, '--initrd: expected --kernel with it');
      const accelerator = options.accel === 'auto' ? usableAccelerator() : options.accel;
      const { pipeline, operations } = prepare(scenario, options);
      if (options.trace !== undefined) {
        const reveal = options.reveal ?? false;
        const title = scenario ?? 'kernel-documentation';
        writeOutput(options.trace, traceText(pipeline, { command: 'boot', scenario: title, reveal }));
      }
      const real = await withQemu(() => bootForReal(pipeline, { accelerator, seconds }));
      const run = { pipeline, real, reveal: options.reveal ?? scenario === undefined, json: options.json };
      if (operations === undefined) reportForeign(run);
      else reportOwn(run, bootEmulated(pipeline, operations));
    });
}

interface Run {
  readonly pipeline: Pipeline;
  readonly real: RealBoot;
  readonly reveal: boolean;
  readonly json: boolean | undefined;
}

/** Everything up to the firmware's hand-over. `operations` are those of our own first program. */
function prepare(
  scenario: string | undefined,
  options: BootOptions,
): { pipeline: Pipeline; operations: readonly string[] | undefined } {
  const file = scenario ?? join(ROOT_FOLDER, DEMONSTRATION);
  try {
    const { setup, secrets } = setupOf(loadScenario(file).scenario, file, {
      ...{ record: true, linux: '6.1' },
      ...(options.seed !== undefined && { seed: options.seed }),
    });
    const operations = ['ls', 'readall', ...secrets.map(({ guid }) => `rm ${guid}`), 'ls', 'unload'];
    const pipeline = createPipeline({
      ...setup,
      directBoot:
        options.kernel === undefined ? ownKernel(operations) : foreignKernel(options.kernel, options),
      kernelHashes: findArea(readGuidedTable(setup.image), SEV_HASH_TABLE_BLOCK_GUID) !== undefined,
    });
    pipeline.offer();
    pipeline.launch();
    pipeline.measure();
    pipeline.verify();
    pipeline.seal(secrets);
    const status = pipeline.inject();
    if (status !== 'SUCCESS')
      throw new CommandError(EXIT.state, `LAUNCH_SECRET: expected SUCCESS, got ${status}`);
    pipeline.finish();
    pipeline.startFirmware();
    return { pipeline, operations: options.kernel === undefined ? operations : undefined };
  } catch (error) {
    if (error instanceof ScenarioError)
      throw new CommandError(EXIT.configuration, describeScenarioError(file, error));
    if (error instanceof Refused || error instanceof CommandFailed || error instanceof VmmError)
      throw new CommandError(EXIT.state, `${file}: ${error.message}`);
    if (error instanceof Error && 'syscall' in error)
      throw new CommandError(EXIT.usage, `${file}: ${systemReason(error)}; expected a file that can be read`);
    throw error;
  }
}

function ownKernel(operations: readonly string[]): NonNullable<Setup['directBoot']> {
  const parts = guestParts(', or --kernel');
  const initrd = initrdFor(parts, [...BOOT_OPERATIONS, ...operations]);
  return { kernel: readFileSync(parts.kernel), initrd, commandLine: WATCHED_COMMAND_LINE };
}

const foreignKernel = (
  kernel: string,
  { initrd, append = WATCHED_COMMAND_LINE }: BootOptions,
): NonNullable<Setup['directBoot']> => ({
  kernel: readBytes(kernel),
  ...(initrd !== undefined && { initrd: readBytes(initrd) }),
  commandLine: append,
});

/** Our own first program answered, or should have: the emulated kernel must say the same. */
function reportOwn({ pipeline, real, reveal, json }: Run, emulated: EmulatedBoot): void {
  if (real.answers.length === 0)
    throw new CommandError(EXIT.no, `the real kernel did not come far: ${lastWords(real)}`);
  const differences = differencesOf(real, emulated);
  if (json)
    printJson({
      simulated: 'everything but the processor and the kernel',
      seed: pipeline.setup.seed,
      accelerator: real.accelerator,
      published: published(pipeline) ?? null,
      answers: real.answers.map((answer) => shown(answer, reveal)),
      area: {
        before: reveal ? toHex(real.areaBefore) : { bytes: real.areaBefore.length },
        after: toHex(real.areaAfter),
      },
      differences,
    });
  else for (const line of tell(real, reveal)) print(line);
  if (differences.length > 0)
    throw new CommandError(EXIT.no, `the emulated kernel differs: ${differences.map(describe).join('; ')}`);
  if (!json) print('The emulated kernel answers the same, to the byte.');
}

/** What differs may hold a secret: the JSON document has it, the message only its name. */
const describe = ({ operation }: Difference): string => operation;

/** An answer without the contents of files, unless they may be shown. */
const shown = (answer: GuestAnswer, reveal: boolean): GuestAnswer =>
  reveal || !Array.isArray(answer.f)
    ? answer
    : { ...answer, f: answer.f.map(({ hex: _, ...file }: Record<string, unknown>) => file) };

function* tell({ accelerator, answers }: RealBoot, reveal: boolean): Generator<string> {
  const [boot, autoload] = answers;
  yield 'Simulated: guest owner, AMD-SP, LAUNCH_SECRET, firmware. Real from here on:';
  yield `Linux ${boot?.release}, in QEMU with ${accelerator}`;
  yield `  command line: ${String(boot?.cmdline).trim()}`;
  for (const line of linesOf(boot)) if (/^<\d>efi: /.test(line)) yield `  ${line.slice(3)}`;
  yield `  device efi_secret.0, ${boot?.modalias ? String(boot.modalias).trim() : 'which is not there'}`;
  yield `  module efi_secret: ${autoload?.loaded ? 'loaded by its alias' : 'not loaded'}, ${autoload?.bound ? 'bound' : 'not bound'}`;
  for (const line of answers.flatMap(linesOf)) if (/^<\d>efi_secret/.test(line)) yield `  ${line.slice(3)}`;
  for (const answer of answers.slice(BOOT_OPERATIONS.length)) {
    const outcome = answer.err === undefined ? '' : `: ${answer.err}`;
    yield `# ${operationName(answer)}${outcome}`;
    for (const entry of listOf(answer.e))
      yield `  ${entry.t}${entry.mode} ${entry.uid}:${entry.gid} ${entry.n}`;
    for (const file of listOf(answer.f))
      yield `  ${file.n}: ${file.len} bytes${reveal ? `, ${file.hex}` : ''}`;
  }
}

const linesOf = (answer: GuestAnswer | undefined): string[] =>
  Array.isArray(answer?.k) ? answer.k.map(String) : [];
const listOf = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value : []);

/** Somebody else's kernel: what it printed, and what became of the secret area. */
function reportForeign({ pipeline, real, reveal, json }: Run): void {
  const { console, areaBefore, areaAfter, accelerator, status } = real;
  const changed = areaBefore.filter((byte, i) => byte !== areaAfter[i]).length;
  const remark = remarkOn(console, published(pipeline) !== undefined);
  if (json)
    printJson({
      ...{ simulated: 'everything but the processor and the kernel', accelerator, status: status ?? null },
      ...{ console, remark: remark ?? null },
      area: {
        before: reveal ? toHex(areaBefore) : { bytes: areaBefore.length },
        after: reveal ? toHex(areaAfter) : { bytes: areaAfter.length, changed },
      },
    });
  else {
    print(console);
    if (remark) print(`sevlab: ${remark}`);
    print(
      `sevlab: of the ${areaBefore.length} bytes of the secret table in the guest's RAM, the kernel changed ${changed}` +
        (status === undefined ? '; it was stopped because its time was over' : ''),
    );
  }
}

/** What the firmware told the kernel of the secret area; undefined when nothing. */
const published = ({ observer }: Pipeline) =>
  observer.events.flatMap((event) => (event.type === 'handover' ? [event.secretArea] : []))[0];

/** What a person should know about a console. */
function remarkOn(console: string, isPublished: boolean): string | undefined {
  if (console.trim() === '')
    return 'nothing came over the serial port; expected a 64-bit kernel with a serial driver and console=ttyS0';
  if (!/efi: EFI v/.test(console))
    return 'the kernel did not say that it found EFI (CONFIG_EFI, or loglevel)';
  if (isPublished && !/CocoSecret=0x/.test(console))
    return "the kernel does not know the secret area: CONFIG_EFI_SECRET is not set, as in Debian's kernels";
  return undefined;
}

const lastWords = ({ console, stderr, status }: RealBoot): string => {
  const last =
    console.trim().split('\n').at(-1)?.trim() || stderr.trim().split('\n').at(-1) || 'it printed nothing';
  return `${status === undefined ? 'its time was over; ' : ''}its last words: ${last}`;
};
