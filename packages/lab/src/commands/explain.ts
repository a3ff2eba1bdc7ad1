import type { Command } from 'commander';
import type { Explanation } from '../explain/explanation.ts';
import { explanationText } from '../explain/explanation-text.ts';
import { nearestKnown, recognise } from '../explain/recognise.ts';
import { CommandError, EXIT } from './exit.ts';
import { readFile } from './input.ts';
import { print, printJson } from './output.ts';

/** sevlab explain WORDS… */
export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('what a status, an errno, a message, a GUID or a name means, and what leads to it')
    .argument(
      '[words...]',
      "as they stand in a log, such as fw_error=11 'Bad measurement'; - reads lines of a log",
    )
    .option('--json', 'one JSON document, or JSON Lines for -')
    .addHelpText('after', '\nExit: 0 something was recognized, 1 nothing was, 2 wrong usage.')
    .action((words: string[], { json }: { json?: boolean }) => {
      if (words.length === 0)
        throw new CommandError(EXIT.usage, 'nothing to explain; expected words, or - for a log');
      if (words.length === 1 && words[0] === '-') explainLog(json === true);
      else explainWords(words.join(' '), json === true);
    });
}

/** Throws CommandError when nothing is recognized. */
function explainWords(text: string, json: boolean): void {
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
