import type { Caller } from '../vfs/caller.ts';
import { directoryPath } from '../vfs/path-of.ts';

/** A path as it was given, from the root on: what events and descriptors show. */
export function absolute(call: Caller, path: string): string {
  if (path.startsWith('/') || call.cwd === undefined) return path;
  const folder = directoryPath(call, call.cwd) ?? '';
  return `${folder === '/' ? '' : folder}/${path}`;
}
