import { Command, CommanderError } from 'commander';
import { hardwareConcern } from './beside-hardware.ts';
import { CommandError, EXIT } from './commands/exit.ts';
import { FUZZ_THREAD } from './fuzz/task.ts';
import { systemReason } from './system-reason.ts';
import { VERSION } from './version.ts';

/** Commands that emulate a platform or a guest, rather than look into files. */
const EMULATES: ReadonlySet<string> = new Set([
  'demo',
  'run',
  'guest',
  'conform',
  'fuzz',
  'serve',
  'platform',
  'boot',
  'vmm',
  'bench',
]);

/** Each command is in a file of its name, which is loaded when the command line names it. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  demo: async () => (await import('./commands/demo.ts')).addDemo,
  run: async () => (await import('./commands/run.ts')).addRun,
  replay: async () => (await import('./commands/replay.ts')).addReplay,
  boot: async () => (await import('./commands/boot.ts')).addBoot,
  table: async () => (await import('./commands/table.ts')).addTable,
  packet: async () => (await import('./commands/packet.ts')).addPacket,
  platform: async () => (await import('./commands/platform.ts')).addPlatform,
  owner: async () => (await import('./commands/owner.ts')).addOwner,
  firmware: async () => (await import('./commands/firmware.ts')).addFirmware,
  guest: async () => (await import('./commands/guest.ts')).addGuest,
  annotate: async () => (await import('./commands/annotate.ts')).addAnnotate,
  explain: async () => (await import('./commands/explain.ts')).addExplain,
  conform: async () => (await import('./commands/conform.ts')).addConform,
  fuzz: async () => (await import('./commands/fuzz.ts')).addFuzz,
  vmm: async () => (await import('./commands/vmm.ts')).addVmm,
  serve: async () => (await import('./commands/serve.ts')).addServe,
  bench: async () => (await import('./commands/bench.ts')).addBench,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctor,
  capabilities: async () => (await import('./commands/capabilities.ts')).addCapabilities,
};

/** The command that a line names: its first word that is no option. */
const firstWord = (line: readonly string[]): string | undefined => line.find((word) => !word.startsWith('-'));

/** The command line, with the one command that `line` names, or with all of them when help or a mistake needs them. */
async function createProgram(line: readonly string[]): Promise<Command> {
  const program: Command = new Command('sevlab')
    .description(
      'A full-stack emulator of the AMD SEV secret-injection pipeline. Everything here is simulated.',
    )
    .version(VERSION)
    .option('--beside-hardware', 'run although this machine has a real /dev/sev')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: () => {} }) // told once, below, in our own form
    .hook('preAction', (_, command) => {
      const emulates = EMULATES.has(command.name()) || EMULATES.has(command.parent?.name() ?? '');
      const concern = emulates && hardwareConcern(program.opts().besideHardware === true);
      if (concern) throw new CommandError(EXIT.unsafe, concern);
    });
  const named = firstWord(line);
  const all = Object.entries(COMMANDS);
  const needed = all.filter(([name]) => name === named);
  const shown = needed.length > 0 || line[0] === '--version' ? needed : all;
  for (const [, load] of shown) (await load())(program);
  return program;
}

/** Runs one command line. Returns its exit code. */
async function main(arguments_: readonly string[]): Promise<number> {
  const program = await createProgram(arguments_);
  try {
    const first = firstWord(arguments_);
    const known =
      first === undefined || ['help', ...program.commands.map((command) => command.name())].includes(first);
    await program.parseAsync(known ? arguments_ : [first], { from: 'user' }); // `dmeo --help` is a typo, not a question
    return Number(process.exitCode ?? EXIT.yes);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.yes; // --help, --version
      if (error.code === 'commander.help') return EXIT.usage; // no command was given, and the help was shown
      const message = error.message.replace(/^error: /, '').replace(/\n/g, ' ');
      process.stderr.write(
        `${nameOf(program, arguments_)}: ${message}; try ${nameOf(program, arguments_)} --help\n`,
      );
      return EXIT.usage;
    }
    if (error instanceof CommandError) {
      process.stderr.write(`${error.speaker ?? nameOf(program, arguments_)}: ${error.message}\n`);
      return error.exitCode;
    }
    reportFault(nameOf(program, arguments_), error);
    return EXIT.internal;
  }
}

/** Tells of our own fault, without a stack trace. */
function reportFault(name: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `${name}: this is a fault of sevlab itself: ${reason}; please report it with the command line\n`,
  );
}

/** `sevlab table encode`: as much of the line as names commands. */
function nameOf(program: Command, arguments_: readonly string[]): string {
  const names = ['sevlab'];
  let command: Command | undefined = program;
  for (const argument of arguments_) {
    command = command?.commands.find((candidate: Command) => candidate.name() === argument);
    if (command === undefined) break;
    names.push(argument);
  }
  return names.join(' ');
}

/** A program of its own: its streams and its end are those of a command. */
function startProgram(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.yes); // whoever read us has seen enough
    process.stderr.write(`sevlab: standard output: ${systemReason(error)}\n`);
    process.exit(EXIT.usage);
  });

  process.on('uncaughtException', (error) => {
    reportFault('sevlab', error); // in what a socket or a timer called
    process.exit(EXIT.internal);
  });
  process.stderr.on('error', () => {}); // whoever read it is gone

  void main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}

/** A thread of a fuzz campaign runs this same file. Who is none starts faster without worker_threads. */
async function start(): Promise<void> {
  if (process.argv[2] === FUZZ_THREAD) {
    const { isThread, serveTasks } = await import('./fuzz/worker.ts');
    const { DOORS } = await import('./fuzz/doors.ts');
    if (isThread()) return serveTasks(DOORS);
  }
  startProgram();
}

void start();
