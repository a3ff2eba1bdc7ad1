import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where the program lies that is called by this name; undefined when there is none. */
export const whereIs = (name: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** Whether a program can be called by its name. */
export const isOnPath = (name: string): boolean => whereIs(name) !== undefined;

/** Whether an optional program is there. Where it is not, its tests are skipped, and that is said. */
export function optionalProgram(name: string, install: string): boolean {
  const there = isOnPath(name);
  if (!there) process.stderr.write(`SKIPPED, no ${name} here: ${install}\n`);
  return there;
}
