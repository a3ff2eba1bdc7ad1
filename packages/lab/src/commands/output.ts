import { renameSync, writeFileSync } from 'node:fs';
import { systemReason } from '../system-reason.ts';
import { CommandError, EXIT } from './exit.ts';

/** Data for standard output. */
export const print = (text: string): void => {
  process.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
};

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

/** Talk for standard error. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** Writes a file whole or not at all; `-` is standard output. Throws CommandError. */
export function writeOutput(path: string, content: Uint8Array | string): void {
  if (path === '-') {
    process.stdout.write(content);
    return;
  }
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content);
    renameSync(temporary, path);
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `${path}: ${systemReason(error)}; expected a place that can be written`,
    );
  }
}

/** Whether to colour standard output: on a terminal, unless NO_COLOR says otherwise. */
export const wantsColour = (): boolean =>
  process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';
