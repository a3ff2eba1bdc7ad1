import { KernelError } from '../errno.ts';
import { O_LARGEFILE } from '../open-flags.ts';
import { isRegular } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import { fileOf, isReadable, isWritable, type OpenFile, rawFileOf } from '../vfs/open-file.ts';
import { expectOwner } from '../vfs/permission.ts';
import { inodeAt, isSamePlace } from '../vfs/place.ts';

export type LockType = 'shared' | 'exclusive' | 'none';

/**
 * flock(2): a lock belongs to the open file description.
 * DEVIATION: nobody waits here, so a lock that would is EAGAIN, as with LOCK_NB.
 */
export function flock({ kernel }: Caller, fd: number, type: LockType): void {
  const file = fileOf(kernel, fd);
  if (type === 'none') {
    delete file.lock;
    return;
  }
  const others = [...kernel.state.files.values()].filter((other) => other !== file && isOfSame(other, file));
  const conflict = others.some(
    ({ lock }) => lock === 'exclusive' || (lock === 'shared' && type === 'exclusive'),
  );
  if (conflict) throw new KernelError('EAGAIN');
  file.lock = type;
}

/**
 * fcntl(2) with F_SETLK: fcntl_setlk(). All descriptors are one process's here, whose locks never conflict, so none is
 * kept.
 */
export function setRecordLock({ kernel }: Caller, fd: number, type: LockType): void {
  const file = fileOf(kernel, fd);
  if (type === 'shared' && !isReadable(file)) throw new KernelError('EBADF');
  if (type === 'exclusive' && !isWritable(file)) throw new KernelError('EBADF');
}

/**
 * fcntl(2) with F_SETLEASE: generic_setlease(). NOT MODELLED: breaking a lease, so none is kept. VERSION: in the newest
 * kernels only file systems that ask for leases have them.
 */
export function setLease(call: Caller, fd: number, type: LockType): void {
  const { kernel } = call;
  const file = fileOf(kernel, fd);
  const { place } = file.dentry;
  expectOwner(call, place, 'EACCES');
  if (!isRegular(inodeAt(kernel, place))) throw new KernelError('EINVAL');
  if (place.fs !== 'tmpfs' && !kernel.state.profile.leasesEverywhere) throw new KernelError('EINVAL');
  const holders = [...kernel.state.files.values()].filter((other) => isOfSame(other, file));
  if (type === 'shared' && holders.some(isWritable)) throw new KernelError('EAGAIN');
  if (type === 'exclusive' && holders.length > 1) throw new KernelError('EAGAIN');
}

/** fcntl(2) with F_GETFL: 64-bit programs open with O_LARGEFILE. */
export function getFlags({ kernel }: Caller, fd: number): number {
  const { flags, pathOnly } = rawFileOf(kernel, fd);
  return pathOnly ? flags : flags | O_LARGEFILE;
}

const isOfSame = (a: OpenFile, b: OpenFile): boolean =>
  !a.pathOnly && isSamePlace(a.dentry.place, b.dentry.place);
