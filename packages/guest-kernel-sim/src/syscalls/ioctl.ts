import { KernelError } from '../errno.ts';
import { PAGE_SIZE } from '../tmpfs/page-allocator.ts';
import { isRegular } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import { fileOf } from '../vfs/open-file.ts';
import { inodeAt, operationsAt } from '../vfs/place.ts';

/** Requests (include/uapi/asm-generic/ioctls.h, include/uapi/linux/fs.h). */
export const FIONREAD = 0x541b;
export const FIBMAP = 1;
export const FIGETBSZ = 2;
export const FS_IOC_GETFLAGS = 0x8008_6601;

/** ioctl(2): do_vfs_ioctl(). Answers the number that the request asks for. */
export function ioctl({ kernel, user }: Caller, fd: number, request: number): number {
  const file = fileOf(kernel, fd);
  const { place } = file.dentry;
  const inode = inodeAt(kernel, place);
  switch (request) {
    case FIGETBSZ:
      return PAGE_SIZE;
    case FS_IOC_GETFLAGS: {
      const { flags } = operationsAt(kernel, place);
      if (flags !== undefined) return flags;
      break;
    }
    case FIBMAP: // file_ioctl(), for regular files only, as the next
      if (!isRegular(inode)) break;
      throw new KernelError(user.uid === 0 ? 'EINVAL' : 'EPERM');
    case FIONREAD:
      if (!isRegular(inode)) break;
      return inode.size - file.position;
  }
  throw new KernelError('ENOTTY');
}
