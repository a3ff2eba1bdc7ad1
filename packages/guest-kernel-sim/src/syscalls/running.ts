import { KernelError } from '../errno.ts';
import { isRegular, MAY_EXEC } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import { fileOf, isReadable, isWritable } from '../vfs/open-file.ts';
import { expectPermission } from '../vfs/permission.ts';
import { inodeAt } from '../vfs/place.ts';
import { walk } from '../vfs/walk.ts';

/** mmap(2) (include/uapi/asm-generic/mman-common.h). */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;

/**
 * execve(2): do_open_execat(). securityfs, procfs and sysfs are mounted noexec, which is the same EACCES.
 * NOT MODELLED: any format of programs, so what may be run is ENOEXEC.
 */
export function execve(call: Caller, path: string): never {
  const { place } = walk(call, path);
  if (!isRegular(inodeAt(call.kernel, place))) throw new KernelError('EACCES');
  expectPermission(call, place, MAY_EXEC);
  throw new KernelError(place.fs === 'tmpfs' ? 'ENOEXEC' : 'EACCES');
}

/**
 * mmap(2): do_mmap(). Files of securityfs have no mmap.
 * DEVIATION: nor do those of other file systems here: a program's address space is NOT MODELLED.
 */
export function mmap({ kernel }: Caller, fd: number, protection = PROT_READ, flags = MAP_PRIVATE): never {
  const file = fileOf(kernel, fd);
  const writes = flags === MAP_SHARED && (protection & PROT_WRITE) !== 0;
  if (!isReadable(file) || (writes && !isWritable(file))) throw new KernelError('EACCES');
  throw new KernelError('ENODEV');
}

/** name_to_handle_at(2). DEVIATION: no file system can be exported here; of Linux' tmpfs the files have handles. */
export function nameToHandleAt(call: Caller, path: string): never {
  walk(call, path, { follow: false });
  throw new KernelError('EOPNOTSUPP');
}
