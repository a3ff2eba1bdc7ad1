import { O_ACCMODE, O_RDONLY, O_WRONLY } from '../open-flags.ts';
import type { PseudoNode } from '../pseudo-files.ts';
import { S_IFDIR, S_IFLNK } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';

/** The calling process's folder: fs/proc/base.c and fs/proc/fd.c. There is one table of descriptors for all. */
const SELF = '/proc/self';

/** Paths that have another meaning for each process, or at each time. */
export const isSelf = (path: string): boolean => path === SELF || path.startsWith(`${SELF}/`);

/** DEVIATION: /proc/self is the folder itself, where Linux has a link to the one with the process's number. */
export function selfNodes({ kernel, user }: Caller): ReadonlyMap<string, PseudoNode> {
  const nodes = new Map<string, PseudoNode>([
    [SELF, { mode: S_IFDIR | 0o555, owner: user }],
    [`${SELF}/fd`, { mode: S_IFDIR | 0o500, owner: user }],
  ]);
  for (const [fd, { dentry, flags, pathOnly }] of kernel.state.files) {
    const access = flags & O_ACCMODE;
    const permissions = pathOnly ? 0 : (access === O_WRONLY ? 0 : 0o500) | (access === O_RDONLY ? 0 : 0o300);
    nodes.set(`${SELF}/fd/${fd}`, { mode: S_IFLNK | permissions, target: dentry, owner: user });
  }
  return nodes;
}
