import { isDirectory } from '../user.ts';
import { errnoOf } from './program.ts';
import type { FileStatus, SystemCalls } from './system-calls.ts';

/** What a path names, with no link followed; undefined when it names nothing that can be seen. */
export function lookAt(sys: SystemCalls, path: string): FileStatus | undefined {
  let stat: FileStatus | undefined;
  errnoOf(() => {
    stat = sys.stat(path);
  });
  return stat;
}

/** Whether a path names a directory, or a link to one. */
export function leadsToDirectory(sys: SystemCalls, path: string): boolean {
  const stat = lookAt(sys, `${path}/`);
  return stat !== undefined && isDirectory(stat);
}
