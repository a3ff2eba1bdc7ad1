import type { RunningKernel } from '../running-kernel.ts';
import type { Caller } from './caller.ts';
import type { Dentry, Place } from './file-system.ts';
import { mountPathOf } from './mounts.ts';
import { fileSystemOf, isSamePlace } from './place.ts';

/** d_path() of a directory; undefined when no name leads there any more. */
export function directoryPath(call: Caller, dir: Place): string | undefined {
  const { kernel } = call;
  const ino = fileSystemOf(kernel, dir).parent(kernel, dir.ino);
  if (ino === undefined) return isMountRoot(kernel, dir) ? mountPathOf(kernel, dir) : undefined;
  const parent: Place = { fs: dir.fs, ino };
  const name = nameIn(call, parent, dir);
  const above = name === undefined ? undefined : directoryPath(call, parent);
  return above === undefined ? undefined : join(above, name ?? '');
}

/** d_path() of anything, with ` (deleted)` behind a name that does not lead there any more. */
export function dentryPath(call: Caller, { place, dir, name }: Dentry): string {
  const { kernel } = call;
  if (place.fs === 'anonymous') return anonymousName(kernel, place);
  if (dir === undefined) return directoryPath(call, place) ?? `/${name} (deleted)`;
  const path = join(directoryPath(call, dir) ?? '/', name);
  const found = fileSystemOf(kernel, dir)
    .entries(call, dir.ino)
    .find((entry) => entry.name === name);
  return found !== undefined && (found.ino === place.ino || dir.fs !== place.fs) ? path : `${path} (deleted)`;
}

const join = (folder: string, name: string): string => (folder === '/' ? `/${name}` : `${folder}/${name}`);

const nameIn = (call: Caller, dir: Place, child: Place): string | undefined =>
  fileSystemOf(call.kernel, dir)
    .entries(call, dir.ino)
    .find(({ ino }) => isSamePlace({ fs: dir.fs, ino }, child))?.name;

const isMountRoot = (kernel: RunningKernel, place: Place): boolean =>
  place.fs === 'securityfs'
    ? kernel.state.mounted && place.ino === kernel.state.securityfs.root
    : kernel.state.mounts.some(({ root }) => isSamePlace(root, place));

/** What readlink shows of a descriptor that no path leads to. */
function anonymousName({ state: { anonymous } }: RunningKernel, { ino }: Place): string {
  const { pipe, inotify } = anonymous.inodes.get(ino) ?? {};
  if (pipe !== undefined) return `pipe:[${ino}]`;
  return inotify === undefined ? 'anon_inode:[eventpoll]' : 'anon_inode:inotify';
}
