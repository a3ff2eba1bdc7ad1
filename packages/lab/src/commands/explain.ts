import type { Command } from 'commander';
import type { Explanation } from '../explain/explanation.ts';
import { explanationText } from '../explain/explanation-text.ts';
import { nearestKnown, recognise } from '../explain/recognise.ts';
import { CommandError, EXIT } from './exit.ts';
import { explainQmpLog, type QmpLogOptions } from './explain-qmp.ts';
import { readFile } from './input.ts';
import { addLaunchOptions } from './launch-options.ts';
import { print, printJson } from './output.ts';

interface ExplainOptions extends Omit<QmpLogOptions, 'qmp'> {
  readonly qmp?: string;
}

const LOG_HELP = `
A log of QMP has a message on each line. With -> or C: in front it is the client's, with <- or S: QEMU's; without,
its members tell, as in libvirt's own log (QEMU_MONITOR_SEND_MSG, QEMU_MONITOR_RECV_REPLY). Other lines are passed over.
Keys, measurements, certificates and versions are taken from the log, and what its AMD-SP said to a packet, unless it
follows from the packet. With --tik the MAC of each packet is looked at too, and with --firmware or --digest the
measurement, as by owner measure.

Exit: 0 something was recognized, or the log is the emulator's own; 1 not; 2 wrong usage.`;

/** sevlab explain WORDS… */
export function addExplain(program: Command): void {
  const explain = program
    .command('explain')
    .description('what a status, an errno, a message, a GUID or a name means, and what leads to it')
    .argument(
      '[words...]',
      "as they stand in a log, such as fw_error=11 'Bad measurement'; - reads lines of a log",
    )
    .option('--json', 'one JSON document, or JSON Lines for -')
    .option(
      '--qmp <log>',
      "a QMP conversation of a real host: the first step at which the emulated QEMU answers otherwise. Words are QEMU's arguments then, behind --",
    );
  addLaunchOptions(explain);
  for (const option of explain.options) {
    if (!/^-\d$/.test(option.short ?? '')) continue; // -1 is an errno here
    delete option.short;
    option.flags = option.flags.replace(/^-\d, /, '');
  }
  explain
    .allowUnknownOption() // so are -5 and -22
    .addHelpText('after', LOG_HELP)
    .action((words: string[], options: ExplainOptions) => {
      const { qmp, json = false } = options;
      const stray = Object.keys(options).find((name) => !['json', 'qmp', 'vmsaForm'].includes(name));
      if (qmp !== undefined) explainQmpLog({ ...options, qmp }, words);
      else if (stray !== undefined)
        throw new CommandError(EXIT.usage, 'options of a launch: expected --qmp with them, got none');
      else if (words.length === 0)
        throw new CommandError(EXIT.usage, 'nothing to explain; expected words, - for a log, or --qmp');
      else if (words.length === 1 && words[0] === '-') explainLog(json);
      else explainWords(words, json);
    });
}

/** Throws CommandError when nothing is recognized. */
function explainWords(words: readonly string[], json: boolean): void {
  const unknown = words.find((word) => /^-\D/.test(word));
  if (unknown !== undefined)
    throw new CommandError(EXIT.usage, `unknown option '${unknown}'; try sevlab explain --help`);
  const text = words.join(' ');
  const explanations = recognise(text);
  if (json) printJson({ text, explanations });
  else if (explanations.length > 0) print(explanations.map(explanationText).join('\n'));
  if (explanations.length > 0) return;
  const near = nearestKnown(text);
  const hint =
    near === undefined ? 'expected a status, errno, message, GUID, command or structure' : `is it ${near}?`;
  throw new CommandError(EXIT.no, `'${text}': not known here; ${hint}`);
}

/** Lines that say nothing known are passed over. Throws CommandError when all do. */
function explainLog(json: boolean): void {
  const lines = new TextDecoder().decode(readFile('-')).split(/\r?\n/);
  let recognized = 0;
  for (const [i, text] of lines.entries()) {
    const explanations = recognise(text);
    if (explanations.length === 0) continue;
    recognized++;
    if (json) print(JSON.stringify({ line: i + 1, text, explanations }));
    else print(`${i + 1}: ${text.trim()}\n${indented(explanations)}`);
  }
  if (recognized === 0)
    throw new CommandError(
      EXIT.no,
      `-: nothing known in ${lines.length - 1} lines; expected a log of QEMU or Linux`,
    );
}

const indented = (explanations: readonly Explanation[]): string =>
  explanations.map(explanationText).join('\n').replace(/^/gm, '  ');
