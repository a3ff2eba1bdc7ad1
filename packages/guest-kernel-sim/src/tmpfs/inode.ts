import type { Pipe } from '../anonymous/pipe.ts';
import type { RunningKernel } from '../running-kernel.ts';
import type { DeviceNumber, DirectoryEntry } from '../vfs/file-system.ts';
import type { Inode } from '../vfs/inode.ts';
import type { Pages } from './content.ts';

/** An inode of a tmpfs (mm/shmem.c). Its content is in guest memory; here is where. */
export interface TmpfsInode extends Inode {
  /** Which mount it belongs to. */
  readonly superblock: number;
  /** Of a directory: its names, newest first, which is the order that readdir gives. */
  entries?: DirectoryEntry[];
  /** Of a directory: the one above; undefined for the root of a mount. */
  parent?: number;
  readonly pages: Pages;
  /** Pages that fallocate(2) gave room and nobody wrote: they count as holes. */
  readonly unwritten: Set<number>;
  /** Of a FIFO: what is in it while somebody has it open. */
  readonly pipe?: Pipe;
  /** Of a symbolic link. */
  readonly target?: string;
  /** Of a device. */
  readonly device?: DeviceNumber;
}

/** Every tmpfs of a kernel, as plain data. */
export interface TmpfsState {
  readonly inodes: Map<number, TmpfsInode>;
  nextIno: number;
}

export function tmpInode({ state: { tmpfs } }: RunningKernel, ino: number): TmpfsInode {
  const inode = tmpfs.inodes.get(ino);
  if (inode === undefined) throw new Error(`tmpfs has no inode ${ino}`);
  return inode;
}
