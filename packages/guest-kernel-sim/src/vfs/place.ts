import type { RunningKernel } from '../running-kernel.ts';
import type { FileOperations, FileSystem, Place } from './file-system.ts';
import type { Inode } from './inode.ts';

export const fileSystemOf = (kernel: RunningKernel, { fs }: Place): FileSystem => kernel.fileSystems[fs];

export const inodeAt = (kernel: RunningKernel, place: Place): Inode =>
  fileSystemOf(kernel, place).inode(kernel, place.ino);

export const operationsAt = (kernel: RunningKernel, place: Place): FileOperations =>
  fileSystemOf(kernel, place).fileOperations(kernel, inodeAt(kernel, place));

export const isSamePlace = (a: Place, b: Place): boolean => a.fs === b.fs && a.ino === b.ino;

/** Whether two places are in one mount: names and links do not go from one to another. */
export const isSameMount = (kernel: RunningKernel, a: Place, b: Place): boolean =>
  a.fs === b.fs &&
  fileSystemOf(kernel, a).superblock(kernel, a.ino) === fileSystemOf(kernel, b).superblock(kernel, b.ino);

/** Whether an inode is still there: one that has no name and that nobody holds is not. */
export function exists({ state }: RunningKernel, { fs, ino }: Place): boolean {
  const { securityfs, tmpfs, pseudo, anonymous } = state;
  return { securityfs, tmpfs, proc: pseudo, sysfs: pseudo, anonymous }[fs].inodes.has(ino);
}
