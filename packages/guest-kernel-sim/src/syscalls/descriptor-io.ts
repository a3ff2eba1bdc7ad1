import { IN_MODIFY, notify } from '../anonymous/inotify.ts';
import { KernelError } from '../errno.ts';
import { O_APPEND, O_NOATIME, SEEK_HOLE, SEEK_SET } from '../open-flags.ts';
import { isDirectory, isFifo, isRegular } from '../user.ts';
import { type Caller, timeOf } from '../vfs/caller.ts';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../vfs/file-system.ts';
import { fileOf, isReadable, isWritable, type OpenFile } from '../vfs/open-file.ts';
import { removePrivileges } from '../vfs/permission.ts';
import { fileSystemOf, inodeAt, operationsAt } from '../vfs/place.ts';

/** preadv2(2) (include/uapi/linux/fs.h). */
export const RWF_HIPRI = 0x1;
export const RWF_NOWAIT = 0x8;
const DAY = 24n * 3600n * 1_000_000_000n;

/** read(2): up to `length` bytes from the descriptor's position; none at the end. */
export function read(call: Caller, fd: number, length: number): Uint8Array {
  const file = fileOf(call.kernel, fd);
  const bytes = readAt(call, file, file.position, length);
  file.position += bytes.length;
  return bytes;
}

/** pread64(2): up to `length` bytes at `offset`; the descriptor's position stays. */
export function pread(call: Caller, fd: number, length: number, offset: number): Uint8Array {
  if (offset < 0) throw new KernelError('EINVAL'); // before anybody looks at the descriptor
  const file = fileOf(call.kernel, fd);
  if (!operationsAt(call.kernel, file.dentry.place).pread) throw new KernelError('ESPIPE');
  return readAt(call, file, offset, length);
}

/** preadv2(2) with one buffer: kiocb_set_rw_flags() comes after the checks of read. */
export function preadv2(call: Caller, fd: number, length: number, offset: number, flags: number): Uint8Array {
  const file = fileOf(call.kernel, fd);
  expectReadable(call, file);
  if ((flags & ~(RWF_HIPRI | RWF_NOWAIT)) !== 0) throw new KernelError('EOPNOTSUPP');
  if ((flags & RWF_NOWAIT) !== 0 && file.dentry.place.fs !== 'tmpfs') throw new KernelError('EOPNOTSUPP');
  return pread(call, fd, length, offset);
}

/** vfs_read(). */
export function readAt(call: Caller, file: OpenFile, position: number, length: number): Uint8Array {
  const operation = expectReadable(call, file);
  const bytes = operation(call, file, position, length);
  if (length > 0) touch(call, file);
  return bytes;
}

function expectReadable({ kernel }: Caller, file: OpenFile) {
  if (!isReadable(file)) throw new KernelError('EBADF');
  const { read: operation } = operationsAt(kernel, file.dentry.place);
  if (operation !== undefined) return operation;
  throw new KernelError(isDirectory(inodeAt(kernel, file.dentry.place)) ? 'EISDIR' : 'EINVAL');
}

/** touch_atime() with relatime. Pseudo files have no atime that moves: nothing asks for it when they are read. */
export function touch(
  { kernel }: Caller,
  { dentry: { place }, flags }: Pick<OpenFile, 'dentry' | 'flags'>,
): void {
  if (place.fs !== 'tmpfs' || (flags & O_NOATIME) !== 0) return;
  const inode = inodeAt(kernel, place);
  const now = timeOf(kernel);
  const stale = inode.atime <= inode.mtime || inode.atime <= inode.ctime || now - inode.atime >= DAY;
  if (stale) inode.atime = now;
}

/** write(2): answers how many bytes were taken. */
export function write(call: Caller, fd: number, data: Uint8Array): number {
  const file = fileOf(call.kernel, fd);
  const at = writePosition(call, file, file.position);
  const count = writeAt(call, file, at, data);
  if (count > 0) file.position = at + count;
  return count;
}

/** pwrite64(2). With O_APPEND the offset is not looked at. */
export function pwrite(call: Caller, fd: number, data: Uint8Array, offset: number): number {
  if (offset < 0) throw new KernelError('EINVAL');
  const file = fileOf(call.kernel, fd);
  if (!operationsAt(call.kernel, file.dentry.place).pwrite) throw new KernelError('ESPIPE');
  return writeAt(call, file, writePosition(call, file, offset), data);
}

/** generic_write_checks(): O_APPEND writes at the end, wherever that is by now. */
const writePosition = ({ kernel }: Caller, file: OpenFile, position: number): number => {
  const inode = inodeAt(kernel, file.dentry.place);
  return (file.flags & O_APPEND) !== 0 && isRegular(inode) ? inode.size : position;
};

/** vfs_write(). */
export function writeAt(call: Caller, file: OpenFile, position: number, data: Uint8Array): number {
  const { kernel } = call;
  const { place } = file.dentry;
  if (!isWritable(file)) throw new KernelError('EBADF');
  const operation = operationsAt(kernel, place).write;
  if (operation === undefined) throw new KernelError('EINVAL');
  if (data.length > 0) removePrivileges(call, inodeAt(kernel, place));
  const count = operation(call, file, position, data);
  if (count > 0) notify(kernel, place, IN_MODIFY);
  return count;
}

/** lseek(2): answers the new position. */
export function lseek(call: Caller, fd: number, offset: number, whence: number): number {
  const file = fileOf(call.kernel, fd);
  if (whence < SEEK_SET || whence > SEEK_HOLE) throw new KernelError('EINVAL');
  const seek = operationsAt(call.kernel, file.dentry.place).seek;
  if (seek === undefined) throw new KernelError('ESPIPE');
  const position = seek(call, file, offset, whence);
  file.position = position;
  return position;
}

/** ftruncate(2): do_sys_ftruncate(). */
export function ftruncate(call: Caller, fd: number, length: number): void {
  if (length < 0) throw new KernelError('EINVAL');
  const file = fileOf(call.kernel, fd);
  const { place } = file.dentry;
  const inode = inodeAt(call.kernel, place);
  if (!isRegular(inode) || !isWritable(file)) throw new KernelError('EINVAL');
  removePrivileges(call, inode);
  fileSystemOf(call.kernel, place).truncate(call.kernel, inode, length, { touch: true });
  notify(call.kernel, place, IN_MODIFY);
}

/** fallocate(2): vfs_fallocate(). NOT MODELLED: modes other than keeping the size and punching holes. */
export function fallocate(call: Caller, fd: number, mode: number, offset: number, length: number): void {
  const { kernel } = call;
  const file = fileOf(kernel, fd);
  const { place } = file.dentry;
  const inode = inodeAt(kernel, place);
  if (offset < 0 || length <= 0) throw new KernelError('EINVAL');
  const punches = (mode & FALLOC_FL_PUNCH_HOLE) !== 0;
  const known = (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) === 0;
  if (!known || (punches && (mode & FALLOC_FL_KEEP_SIZE) === 0)) throw new KernelError('EOPNOTSUPP');
  if (!isWritable(file)) throw new KernelError('EBADF');
  if (isFifo(inode)) throw new KernelError('ESPIPE');
  if (isDirectory(inode)) throw new KernelError('EISDIR');
  if (!isRegular(inode)) throw new KernelError('ENODEV');
  const operation = operationsAt(kernel, place).fallocate;
  if (operation === undefined) throw new KernelError('EOPNOTSUPP');
  removePrivileges(call, inode);
  operation(call, file, mode, offset, length);
}
