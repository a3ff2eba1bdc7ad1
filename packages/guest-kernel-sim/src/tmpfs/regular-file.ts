import { KernelError } from '../errno.ts';
import { SEEK_DATA, SEEK_HOLE } from '../open-flags.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { timeOf } from '../vfs/caller.ts';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, type FileOperations } from '../vfs/file-system.ts';
import { MAX_BYTES, seekDirectory, seekWithin } from '../vfs/seek.ts';
import { findPages, punchPages, readPages, writePages } from './content.ts';
import { type TmpfsInode, tmpInode } from './inode.ts';
import { PAGE_SIZE } from './page-allocator.ts';

/** Operations of a regular file (mm/shmem.c, shmem_file_operations). */
export const tmpRegularFile: FileOperations = {
  pread: true,
  pwrite: true,
  fsync: true,
  splice: true,
  flags: 0,
  /** VERSION: since 6.6. */
  direct: ({ state }) => state.profile.tmpfsDirectIo,

  read({ kernel }, { dentry: { place } }, position, length) {
    const { pages, size } = tmpInode(kernel, place.ino);
    const count = Math.max(0, Math.min(length, size - position));
    return readPages(kernel, pages, position, count);
  },

  /** generic_file_write_iter(). What finds no room is not written; ENOSPC when nothing does. */
  write({ kernel }, { dentry: { place } }, position, data) {
    if (data.length === 0) return 0;
    if (position >= MAX_BYTES) throw new KernelError('EFBIG');
    const inode = tmpInode(kernel, place.ino);
    inode.mtime = timeOf(kernel);
    inode.ctime = inode.mtime;
    const room = data.subarray(0, Math.min(data.length, MAX_BYTES - position));
    const written = writePages(kernel, inode.pages, position, room);
    if (written === 0) throw new KernelError('ENOSPC');
    for (let at = position; at < position + written; at = nextPage(at))
      inode.unwritten.delete(Math.floor(at / PAGE_SIZE));
    inode.size = Math.max(inode.size, position + written);
    return written;
  },

  seek({ kernel }, file, offset, whence) {
    const inode = tmpInode(kernel, file.dentry.place.ino);
    if (whence === SEEK_DATA || whence === SEEK_HOLE) return seekPages(inode, offset, whence);
    return seekWithin(file.position, inode.size, offset, whence);
  },

  /** shmem_fallocate(). */
  fallocate({ kernel }, { dentry: { place } }, mode, offset, length) {
    const inode = tmpInode(kernel, place.ino);
    const end = offset + length;
    if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) punchPages(kernel, inode.pages, offset, end);
    else reserve(kernel, inode, offset, end);
    if ((mode & FALLOC_FL_KEEP_SIZE) === 0) inode.size = Math.max(inode.size, end);
    inode.mtime = timeOf(kernel);
    inode.ctime = inode.mtime;
  },
};

const nextPage = (at: number): number => (Math.floor(at / PAGE_SIZE) + 1) * PAGE_SIZE;

/** Gives every page of a range room, or none: what was allocated goes back when there is not enough. */
function reserve(kernel: RunningKernel, { pages, unwritten }: TmpfsInode, start: number, end: number): void {
  const { limit, used } = kernel.state.pages;
  const first = Math.floor(start / PAGE_SIZE);
  const last = Math.ceil(end / PAGE_SIZE);
  if (last - first > limit) throw new KernelError('ENOSPC');
  const missing = Array.from({ length: last - first }, (_, i) => first + i).filter(
    (index) => !pages.has(index),
  );
  if (used + missing.length > limit) throw new KernelError('ENOSPC');
  for (const index of missing) {
    writePages(kernel, pages, index * PAGE_SIZE, new Uint8Array(1));
    unwritten.add(index);
  }
}

/** shmem_file_llseek() for SEEK_DATA and SEEK_HOLE. The end of the file is a hole. */
function seekPages(inode: TmpfsInode, offset: number, whence: number): number {
  if (offset < 0 || offset >= inode.size) throw new KernelError('ENXIO');
  const written = new Set([...inode.pages.keys()].filter((index) => !inode.unwritten.has(index)));
  const found = findPages(written, offset, inode.size, whence === SEEK_DATA);
  if (found === undefined && whence === SEEK_DATA) throw new KernelError('ENXIO');
  return found ?? inode.size;
}

/** Operations of a directory (fs/libfs.c, simple_dir_operations and simple_offset_dir_operations). */
export const tmpDirectoryFile: FileOperations = {
  pread: true,
  pwrite: true,
  fsync: true,
  flags: 0,
  seek: seekDirectory,
};
