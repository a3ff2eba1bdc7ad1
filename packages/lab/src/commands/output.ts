import { existsSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

/**
 * Writes a file whole or not at all, with the mode that it had; `-` is standard output. What is no regular file, such
 * as a device or a pipe, is written to and stays what it is. Throws CommandError.
 */
export function writeOutput(path: string, content: Uint8Array | string): void {
  if (path === '-') {
    process.stdout.write(content);
    return;
  }
  try {
    const target = existsSync(path) ? realpathSync(path) : path;
    const before = existsSync(path) ? statSync(path) : undefined;
    if (before === undefined || before.isFile()) replaceFile(target, content, before?.mode);
    else writeFileSync(target, content);
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `${path}: ${systemReason(error)}; expected a place that can be written`,
    );
  }
}

function replaceFile(target: string, content: Uint8Array | string, mode: number | undefined): void {
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content, mode === undefined ? {} : { mode });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Whether to colour standard output: on a terminal, unless NO_COLOR says otherwise. */
export const wantsColour = (): boolean =>
  process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';
