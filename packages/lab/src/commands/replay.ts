import { TRACE_FORMAT, TRACE_VERSION, type TraceHeader } from '@sevlab/codec/trace';
import type { Command } from 'commander';
import { demonstrate } from '../demonstration.ts';
import { type RecordedRun, traceText } from '../trace-file.ts';
import { VERSION } from '../version.ts';
import { CommandError, EXIT } from './exit.ts';
import { readBytes } from './input.ts';
import { print, say } from './output.ts';
import { runFile } from './run.ts';

/** Letters of a line that a difference shows. */
const SHOWN = 200;

/** sevlab replay TRACE */
export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('run again what a trace tells of, and compare')
    .argument('<trace>', 'what run or demo wrote with --trace; - is standard input')
    .action(async (file: string) => {
      const lines = new TextDecoder().decode(readBytes(file)).trimEnd().split('\n');
      const header = readHeader(file, lines[0] ?? '');
      if (header.sevlab !== VERSION)
        say(`sevlab replay: ${file} was written by sevlab ${header.sevlab}; this is ${VERSION}`);
      const { command, arguments: words, scenario, revealed: reveal } = header;
      const again = traceText(await runAgain(file, header), {
        ...{ command, scenario, reveal },
        ...(words && { arguments: words }),
      })
        .trimEnd()
        .split('\n');
      // the version is told already
      const at = lines.findIndex((line, i) => (i === 0 ? isOther(line, again[0]) : line !== again[i]));
      if (at === -1 && again.length === lines.length) {
        print(`${file}: the same, ${lines.length} lines`);
        return;
      }
      const line = at === -1 ? lines.length : at;
      throw new CommandError(
        EXIT.no,
        `${file}:${line + 1}: expected ${shown(lines[line])}\ngot ${shown(again[line])}`,
      );
    });
}

const shown = (line: string | undefined): string =>
  line === undefined ? 'the end of the trace' : line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;

/** Whether two headers differ in more than the version of sevlab. */
function isOther(line: string, again: string | undefined): boolean {
  const without = (text: string): string => text.replace(/"sevlab":"[^"]*"/, '');
  return without(line) !== without(again ?? '');
}

function readHeader(file: string, line: string): TraceHeader {
  try {
    const header: unknown = JSON.parse(line);
    if (typeof header === 'object' && header !== null && 'format' in header && 'version' in header) {
      if (header.format === TRACE_FORMAT && header.version === TRACE_VERSION) return header as TraceHeader; // its format says so
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CommandError(EXIT.usage, `${file}:1: expected a trace of sevlab, version ${TRACE_VERSION}`);
}

/** Throws CommandError for a run that cannot be had again. */
async function runAgain(
  trace: string,
  { command, arguments: words, seed }: TraceHeader,
): Promise<RecordedRun> {
  if (words === undefined || (command !== 'run' && command !== 'demo'))
    throw new CommandError(
      EXIT.usage,
      `${trace}: expected a trace of run or demo, got one of ${command} that says not how`,
    );
  const behind = (option: string): string | undefined => {
    const at = words.indexOf(option);
    return at === -1 ? undefined : words[at + 1];
  };
  const [linux, only] = [behind('--linux'), behind('--only')];
  const options = { seed, ...(linux !== undefined && { linux }), ...(only !== undefined && { only }) };
  if (command === 'demo') return demonstrate(options).pipeline;
  const { validateScenario } = await import('../scenario/validate.ts');
  const [run] = runFile(words[0] ?? '', options, validateScenario);
  if (run === undefined)
    throw new CommandError(EXIT.usage, `${trace}: expected the name of a scenario in it`);
  return run.run.pipeline;
}
