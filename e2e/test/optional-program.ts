import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Whether a program can be called by its name. */
export const isOnPath = (name: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));

/** Whether an optional program is there. Where it is not, its tests are skipped, and that is said. */
export function optionalProgram(name: string, install: string): boolean {
  const there = isOnPath(name);
  if (!there) process.stderr.write(`SKIPPED, no ${name} here: ${install}\n`);
  return there;
}
