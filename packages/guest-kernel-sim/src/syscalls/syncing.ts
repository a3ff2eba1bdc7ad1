import { KernelError } from '../errno.ts';
import { isDirectory, isRegular, isSymlink, S_IFBLK, S_IFMT } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import { fileOf, isReadable } from '../vfs/open-file.ts';
import { inodeAt, operationsAt } from '../vfs/place.ts';

/** Flags of sync_file_range(2) (include/uapi/linux/fs.h). */
const SYNC_FILE_RANGE_FLAGS = 0x7;
/** Advice that posix_fadvise(2) knows: 0 to 5 (include/uapi/linux/fadvise.h). */
const ADVICE_MAX = 5;

/** fsync(2) and fdatasync(2): vfs_fsync_range(). */
export function fsync({ kernel }: Caller, fd: number): void {
  const { place } = fileOf(kernel, fd).dentry;
  if (operationsAt(kernel, place).fsync === undefined) throw new KernelError('EINVAL');
}

/** sync_file_range(2): nothing is behind memory, so nothing is to be written. */
export function syncFileRange(
  { kernel }: Caller,
  fd: number,
  offset: number,
  length: number,
  flags: number,
): void {
  const inode = inodeAt(kernel, fileOf(kernel, fd).dentry.place);
  if ((flags & ~SYNC_FILE_RANGE_FLAGS) !== 0 || offset < 0 || length < 0) throw new KernelError('EINVAL');
  const block = (inode.mode & S_IFMT) === S_IFBLK;
  if (!isRegular(inode) && !block && !isDirectory(inode) && !isSymlink(inode))
    throw new KernelError('ESPIPE');
}

/** syncfs(2). */
export function syncfs({ kernel }: Caller, fd: number): void {
  fileOf(kernel, fd);
}

/** posix_fadvise(2): generic_fadvise(). */
export function fadvise(
  { kernel }: Caller,
  fd: number,
  _offset: number,
  length: number,
  advice: number,
): void {
  const { place } = fileOf(kernel, fd).dentry;
  if (place.fs === 'anonymous') throw new KernelError('ESPIPE');
  if (length < 0 || advice < 0 || advice > ADVICE_MAX) throw new KernelError('EINVAL');
}

/** readahead(2): ksys_readahead(). */
export function readahead({ kernel }: Caller, fd: number, _offset: number, _count: number): void {
  const file = fileOf(kernel, fd);
  if (!isReadable(file)) throw new KernelError('EBADF');
  if (!isRegular(inodeAt(kernel, file.dentry.place))) throw new KernelError('EINVAL');
}
