import { resolve } from 'node:path';
import { LAYOUTS } from '@sevlab/firmware-sim/layouts';
import { QEMU_RELEASES } from '@sevlab/vmm-sim/qemu/machine-options';
import { type Command, Option } from 'commander';
import { leaveForeground, runInBackground } from '../vmm/background.ts';
import { CommandError, EXIT } from './exit.ts';
import { installEmulator } from './install-emulator.ts';
import { DEFAULT_STORE, storeAt } from './kept-platform.ts';
import { say } from './output.ts';
import { readWords, startVmm, told } from './start-vmm.ts';
import type { VmmOptions } from './vmm-words.ts';

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** sevlab vmm */
export function addVmm(program: Command): void {
  program
    .command('vmm')
    .description('a launched, paused guest behind QMP, for the clients of QEMU')
    .argument('[arguments...]', "behind --: QEMU's own arguments")
    .option('--qmp <place>', 'where clients come: a path, or tcp:HOST:PORT; may be repeated', collect, [])
    .option(
      '--console <place>',
      "the guest's console: a path, tcp:HOST:PORT, or stdio, where ^A x ends sevlab",
    )
    .option('--firmware <file>', 'the firmware image; default: one that sevlab builds')
    .option('--policy <number>', 'the guest policy; bit 2 makes it SEV-ES (default: 1)')
    .option('--dh-cert-file <file>', "the guest owner's certificate, Base64, as sevctl session writes it")
    .option('--session-file <file>', "the guest owner's session, Base64")
    .option('--kernel <file>', 'what the firmware is given to start')
    .option('--initrd <file>', 'its initrd')
    .option('--append <text>', 'its command line')
    .option('--kernel-hashes', 'measure their hashes')
    .option('--memory <size>', 'such as 512M (default: 512M)')
    .option('--linux <version>', 'the emulated kernel', '6.1')
    .option(
      '--as <layout>',
      `what a firmware image of others does after cont: ${Object.keys(LAYOUTS).join(', ')}`,
    )
    .addOption(
      new Option('--qemu <release>', 'whose QMP it speaks')
        .choices(Object.keys(QEMU_RELEASES))
        .default('7.2'),
    )
    .option('--real-qemu', 'a real QEMU runs what is in the guest, and answers what is not about SEV')
    .option('--ram <file>', "the real guest's RAM; default: a file that goes with it")
    .option('--store <folder>', `where the platform is kept (default: ${DEFAULT_STORE})`)
    .option('--seed <text>', 'a platform with predictable keys; kept only when --store is given')
    .option('--trace <file>', 'write the trace there when it ends, JSON Lines')
    .option('--reveal', 'write secrets, keys and private memory into the trace too')
    .option('--lint', 'say on standard error what QEMU lets pass')
    .option('--install-emulator <file>', 'write a program that is called like QEMU and is this VMM')
    .option('--force', 'overwrite that program')
    .addHelpText(
      'after',
      '\nThe guest owner needs the certificates of the same platform: sevlab platform export.\n' +
        'What the guest does after cont is emulated, and so is all that answers here. With --real-qemu a real QEMU\n' +
        'goes on from there: its guest sees no C-bit, its RAM is plaintext in a file, and a reset ends it.',
    )
    .action(async (rest: string[], options: VmmOptions, command: Command) => {
      const { installEmulator: place, force = false } = options;
      if (place !== undefined) return installEmulator(place, { words: fixedWords(command), force });
      const asked = await told(options, async () => readWords(rest, options));
      if (asked.line.daemonize) {
        process.exitCode = await runInBackground(withoutDaemonize(process.argv.slice(2)), adopted(rest));
        return;
      }
      const vmm = await told(options, () => startVmm(asked, options));
      for (const [signal, code] of [
        ['SIGHUP', 129],
        ['SIGINT', 130],
        ['SIGTERM', 143],
      ] as const)
        process.once(signal, () => void vmm.close().then(() => process.exit(code)));
      const { runState } = vmm.machine.state;
      const guest = options.realQemu ? 'an emulated launch, a real guest' : 'an emulated guest';
      say(`sevlab vmm: ${guest}, ${runState}; ${vmm.places}`);
      leaveForeground();
      const status = await vmm.ended();
      if (status !== 0) throw new CommandError(EXIT.no, `it ended with status ${status}`);
    });
}

/** Options that a program of --install-emulator may fix; a path among them is made to hold anywhere. */
const FIXED: ReadonlySet<string> = new Set([
  ...['store', 'seed', 'linux', 'as', 'qemu', 'realQemu', 'ram', 'lint', 'trace', 'reveal'],
]);
const PATHS: ReadonlySet<string> = new Set(['store', 'ram', 'trace']);

/** Our own options as they were given. Throws CommandError. */
function fixedWords(command: Command): readonly string[] {
  const given = command.options
    .map((option) => ({ word: option.long ?? option.flags, name: option.attributeName() }))
    .filter(({ name }) => name !== 'installEmulator' && name !== 'force')
    .filter(({ name }) => command.getOptionValueSource(name) === 'cli');
  const other = given.find(({ name }) => !FIXED.has(name));
  if (other !== undefined)
    throw new CommandError(
      EXIT.usage,
      `${other.word}: whoever calls the emulator says that in QEMU's words; expected no such option here`,
    );
  const kept = given.some(({ name }) => name === 'store' || name === 'seed');
  const values: Readonly<Record<string, unknown>> = command.opts();
  return [
    ...(kept ? [] : ['--store', storeAt(undefined).folder]),
    ...given.flatMap(({ word, name }) => {
      const value = values[name];
      if (typeof value !== 'string') return [word];
      return [word, PATHS.has(name) ? resolve(value) : value];
    }),
  ];
}

const withoutDaemonize = (words: readonly string[]): readonly string[] =>
  words.filter((word) => !/^--?daemonize$/.test(word));

/** Descriptors that somebody opened for us. */
const adopted = (words: readonly string[]): readonly number[] =>
  words.flatMap((word) => [...word.matchAll(/\bfd=(\d+)/g)].map(([, fd]) => Number(fd)));
