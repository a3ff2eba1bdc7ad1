import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError, EXIT } from '../commands/exit.ts';
import { say, writeOutput } from '../commands/output.ts';
import { ROOT_FOLDER } from '../root-folder.ts';
import { systemReason } from '../system-reason.ts';
import { VERSION } from '../version.ts';

/** Writes the suite into a folder that is new or empty. Throws CommandError. */
export async function exportSuite(folder: string): Promise<void> {
  const { exportedFiles } = await import('@sevlab/conformance/export');
  const licences = ['LICENSE', 'NOTICE'].map(
    (name) => [name, readFileSync(join(ROOT_FOLDER, name), 'utf8')] as const,
  );
  const files = new Map([...exportedFiles(VERSION), ...licences]);
  expectEmpty(folder);
  for (const [path, text] of files) {
    const target = join(folder, path);
    makeFolder(dirname(target));
    writeOutput(target, text);
  }
  say(`${folder}: ${files.size} files`);
}

function expectEmpty(folder: string): void {
  makeFolder(folder);
  if (readdirSync(folder).length > 0)
    throw new CommandError(EXIT.usage, `${folder}: expected a folder that is new or empty`);
}

function makeFolder(folder: string): void {
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
    else readdirSync(folder);
  } catch (error) {
    throw new CommandError(EXIT.usage, `${folder}: ${systemReason(error)}; expected a folder to write to`);
  }
}
