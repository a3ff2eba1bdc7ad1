import type { Gpa } from '@sevlab/codec/address';
import { KernelError } from '../errno.ts';
import { O_ACCMODE, O_RDONLY, O_WRONLY } from '../open-flags.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { createSeqFile, type SeqFile } from '../seq-file.ts';
import type { Dentry, Place } from './file-system.ts';
import { fileSystemOf, isSamePlace } from './place.ts';

/** An open file description (struct file), as plain data. */
export interface OpenFile {
  /** What is open, and the name that leads to it now. */
  dentry: Dentry;
  /** The name that it was opened by, absolute. */
  readonly path: string;
  readonly flags: number;
  /** O_PATH: a place, not an open file. */
  readonly pathOnly: boolean;
  position: number;
  /** securityfs: the inode's `private` at open. */
  readonly entry: Gpa | undefined;
  readonly seq: SeqFile;
  /** procfs and sysfs: the text, produced at open. */
  text?: Uint8Array;
  /** flock(2). */
  lock?: 'shared' | 'exclusive';
  /** Entries of a directory that were read already. */
  listed: number;
}

/** 0, 1 and 2 are standard streams. */
const FIRST_FD = 3;

/** get_unused_fd_flags(): the lowest number that is free. */
export function installFile(
  { state: { files } }: RunningKernel,
  file: Omit<OpenFile, 'position' | 'seq' | 'listed'>,
): number {
  let fd = FIRST_FD;
  while (files.has(fd)) fd++;
  files.set(fd, { position: 0, seq: createSeqFile(), listed: 0, ...file });
  return fd;
}

/** fdget_raw(): an O_PATH descriptor as well. Throws EBADF. */
export function rawFileOf({ state: { files } }: RunningKernel, fd: number): OpenFile {
  const file = files.get(fd);
  if (file === undefined) throw new KernelError('EBADF');
  return file;
}

/** fdget(): not an O_PATH descriptor. Throws EBADF. */
export function fileOf(kernel: RunningKernel, fd: number): OpenFile {
  const file = rawFileOf(kernel, fd);
  if (file.pathOnly) throw new KernelError('EBADF');
  return file;
}

/** FMODE_READ and FMODE_WRITE: access mode 3 is neither. */
export const isReadable = ({ flags }: OpenFile): boolean =>
  (flags & O_ACCMODE) !== O_WRONLY && (flags & O_ACCMODE) !== O_ACCMODE;
export const isWritable = ({ flags }: OpenFile): boolean =>
  (flags & O_ACCMODE) !== O_RDONLY && (flags & O_ACCMODE) !== O_ACCMODE;

/** Whether a descriptor or a working directory holds an inode that has no name any more. */
export function isHeld({ state }: RunningKernel, place: Place): boolean {
  for (const { dentry } of state.files.values()) if (isSamePlace(dentry.place, place)) return true;
  for (const directory of state.directories.values()) if (isSamePlace(directory, place)) return true;
  return false;
}

/** iput(): an inode without a name goes when nobody holds it. */
export function releasePlace(kernel: RunningKernel, place: Place): void {
  if (!isHeld(kernel, place)) fileSystemOf(kernel, place).release?.(kernel, place.ino);
}
