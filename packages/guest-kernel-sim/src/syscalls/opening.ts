import { IN_CREATE, notify } from '../anonymous/inotify.ts';
import { KernelError } from '../errno.ts';
import {
  O_ACCMODE,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from '../open-flags.ts';
import { isDirectory, isRegular, isSymlink, MAY_EXEC, MAY_READ, MAY_WRITE, S_IFREG } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import type { Dentry } from '../vfs/file-system.ts';
import { installFile, rawFileOf, releasePlace } from '../vfs/open-file.ts';
import {
  expectMayCreate,
  expectMayReuse,
  expectOwner,
  expectPermission,
  newInode,
  removePrivileges,
} from '../vfs/permission.ts';
import { fileSystemOf, inodeAt, operationsAt } from '../vfs/place.ts';
import { type Found, find } from '../vfs/walk.ts';
import { absolute } from './paths.ts';

const PERMISSIONS = 0o7777;

/** open(2): fs/open.c, build_open_flags(), then fs/namei.c, path_openat(). `mode` is that of a new file. */
export function open(call: Caller, path: string, flags: number = O_RDONLY, mode = 0o666): number {
  const used = (flags & O_PATH) === 0 ? flags : flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW);
  expectSoundFlags(call, used);
  if ((used & O_TMPFILE) === O_TMPFILE) return openNameless(call, path, used, mode);
  const creates = (used & O_CREAT) !== 0;
  const exclusive = creates && (used & O_EXCL) !== 0;
  const found = find(call, path, { follow: (used & O_NOFOLLOW) === 0 && !exclusive, creates });
  const dentry = found.dentry ?? create(call, found, used, mode);
  const created = found.dentry === undefined;
  if (!created) expectMayOpen(call, dentry, used);
  return describe(call, path, used, dentry, { created });
}

/** build_open_flags(). VERSION: since 6.4 O_CREAT and O_DIRECTORY do not go together. */
function expectSoundFlags({ kernel }: Caller, flags: number): void {
  const both = O_CREAT | O_DIRECTORY;
  if ((flags & both) === both && kernel.state.profile.refusesToCreateDirectories)
    throw new KernelError('EINVAL');
  if ((flags & O_TMPFILE) === O_TMPFILE && (flags & O_ACCMODE) === O_RDONLY) throw new KernelError('EINVAL');
}

/** lookup_open() of a name that is not there. */
function create(call: Caller, { last: { dir, name } }: Found, flags: number, mode: number): Dentry {
  if ((flags & O_CREAT) === 0) throw new KernelError('ENOENT');
  expectMayCreate(call, dir);
  const { directory } = fileSystemOf(call.kernel, dir);
  if (directory.create === undefined) throw new KernelError('EACCES');
  const made = newInode(call, dir, S_IFREG | (mode & PERMISSIONS));
  const ino = directory.create(call.kernel, { dir: dir.ino, name }, made);
  notify(call.kernel, dir, IN_CREATE, name);
  return { place: { fs: dir.fs, ino }, dir, name };
}

/** do_open() and may_open() of what was there. */
function expectMayOpen(call: Caller, { place, dir }: Dentry, flags: number): void {
  const inode = inodeAt(call.kernel, place);
  const directory = isDirectory(inode);
  if ((flags & O_CREAT) !== 0) {
    if ((flags & O_EXCL) !== 0) throw new KernelError('EEXIST');
    if (directory) throw new KernelError('EISDIR');
    if (dir !== undefined) expectMayReuse(call, dir, place);
  }
  if ((flags & O_DIRECTORY) !== 0 && !directory) throw new KernelError('ENOTDIR');
  if ((flags & O_PATH) !== 0) return;
  const wanted = accessOf(flags);
  if (isSymlink(inode)) throw new KernelError('ELOOP');
  if (directory && (wanted & MAY_WRITE) !== 0) throw new KernelError('EISDIR');
  expectPermission(call, place, wanted);
  if ((flags & O_NOATIME) !== 0) expectOwner(call, place);
}

/** ACC_MODE(), and what O_TRUNC adds. */
function accessOf(flags: number): number {
  const access = flags & O_ACCMODE;
  const reads = access === O_WRONLY ? 0 : MAY_READ;
  const writes = access === O_RDONLY && (flags & O_TRUNC) === 0 ? 0 : MAY_WRITE;
  return reads | writes;
}

/** do_dentry_open(), then O_TRUNC. */
function describe(
  call: Caller,
  path: string,
  flags: number,
  dentry: Dentry,
  { created }: { readonly created: boolean },
): number {
  const { kernel } = call;
  const { place } = dentry;
  const pathOnly = (flags & O_PATH) !== 0;
  const kept = flags & ~(O_CREAT | O_EXCL | O_TRUNC);
  const fd = installFile(kernel, {
    dentry,
    path: absolute(call, path),
    flags: kept,
    pathOnly,
    entry: place.fs === 'securityfs' ? kernel.state.securityfs.inodes.get(place.ino)?.private : undefined,
  });
  if (pathOnly) return fd;
  try {
    const operations = operationsAt(kernel, place);
    operations.open?.(call, rawFileOf(kernel, fd));
    const direct = operations.direct?.(kernel) ?? false;
    if ((flags & O_DIRECT) !== 0 && !direct) throw new KernelError('EINVAL');
  } catch (error) {
    kernel.state.files.delete(fd);
    releasePlace(kernel, place);
    throw error;
  }
  const inode = inodeAt(kernel, place);
  if ((flags & O_TRUNC) !== 0 && !created && isRegular(inode)) {
    removePrivileges(call, inode);
    fileSystemOf(kernel, place).truncate(kernel, inode, 0, { touch: true });
  }
  return fd;
}

/** do_tmpfile(). */
function openNameless(call: Caller, path: string, flags: number, mode: number): number {
  const { dentry } = find(call, path, { follow: (flags & O_NOFOLLOW) === 0 });
  if (dentry === undefined) throw new KernelError('ENOENT');
  const { place: dir } = dentry;
  if (!isDirectory(inodeAt(call.kernel, dir))) throw new KernelError('ENOTDIR');
  expectPermission(call, dir, MAY_WRITE | MAY_EXEC);
  const { tmpfile } = fileSystemOf(call.kernel, dir).directory;
  if (tmpfile === undefined) throw new KernelError('EOPNOTSUPP');
  const ino = tmpfile(call.kernel, dir.ino, newInode(call, dir, S_IFREG | (mode & PERMISSIONS)));
  const made: Dentry = { place: { fs: dir.fs, ino }, dir, name: `#${ino}` };
  return describe(call, path, flags & ~O_DIRECTORY, made, { created: true });
}

/** close(2): the lock goes with the description, and a nameless inode with its last descriptor. */
export function close(call: Caller, fd: number): void {
  const { kernel } = call;
  const { dentry } = rawFileOf(kernel, fd);
  kernel.state.files.delete(fd);
  for (const { epoll } of kernel.state.anonymous.inodes.values()) epoll?.delete(fd);
  releasePlace(kernel, dentry.place);
}
