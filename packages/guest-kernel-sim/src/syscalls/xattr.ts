import { IN_ATTRIB, notify } from '../anonymous/inotify.ts';
import { KernelError } from '../errno.ts';
import { type Pages, punchPages, readPages, writePages } from '../tmpfs/content.ts';
import { isDirectory, isRegular, MAY_READ, MAY_WRITE, ownerOrRoot, S_ISVTX } from '../user.ts';
import { type Caller, timeOf } from '../vfs/caller.ts';
import type { Place } from '../vfs/file-system.ts';
import type { Inode } from '../vfs/inode.ts';
import { expectPermission } from '../vfs/permission.ts';
import { fileSystemOf, inodeAt } from '../vfs/place.ts';
import { walk } from '../vfs/walk.ts';

/** include/uapi/linux/limits.h. Bytes. */
const XATTR_NAME_MAX = 255;
const XATTR_SIZE_MAX = 65_536;
/** An access control list is this version and entries of eight bytes (include/uapi/linux/posix_acl_xattr.h). */
const ACL_VERSION = 2;
const ACL_NAME = /^system\.posix_acl_(access|default)$/;

export const XATTR_CREATE = 1;
export const XATTR_REPLACE = 2;

/** setxattr(2). */
export function setxattr(call: Caller, path: string, name: string, value: Uint8Array, flags = 0): void {
  const { kernel } = call;
  expectName(name);
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) !== 0) throw new KernelError('EINVAL');
  if (value.length > XATTR_SIZE_MAX) throw new KernelError('E2BIG');
  const { place } = walk(call, path);
  expectSoundAcl(call, name, value);
  expectMayWrite(call, place, name);
  const xattrs = storeOf(call, place, name);
  const before = xattrs.get(name);
  if (before !== undefined && (flags & XATTR_CREATE) !== 0) throw new KernelError('EEXIST');
  if (before === undefined && (flags & XATTR_REPLACE) !== 0) throw new KernelError('ENODATA');
  const pages: Pages = new Map();
  if (writePages(kernel, pages, 0, value) < value.length) {
    punchPages(kernel, pages, 0, Number.POSITIVE_INFINITY);
    throw new KernelError('ENOSPC');
  }
  if (before !== undefined) punchPages(kernel, before.pages, 0, Number.POSITIVE_INFINITY);
  xattrs.set(name, { pages, size: value.length });
  inodeAt(kernel, place).ctime = timeOf(kernel);
  notify(kernel, place, IN_ATTRIB);
}

/** getxattr(2). */
export function getxattr(call: Caller, path: string, name: string): Uint8Array {
  expectName(name);
  const { place } = walk(call, path);
  expectMayRead(call, place, name);
  if (fileSystemOf(call.kernel, place).xattr(call.kernel, name) === 'unknown')
    throw new KernelError('EOPNOTSUPP');
  const value = inodeAt(call.kernel, place).xattrs.get(name);
  if (value === undefined) throw new KernelError('ENODATA');
  return readPages(call.kernel, value.pages, 0, value.size);
}

/** removexattr(2). */
export function removexattr(call: Caller, path: string, name: string): void {
  expectName(name);
  const { place } = walk(call, path);
  expectMayWrite(call, place, name);
  const xattrs = storeOf(call, place, name);
  const value = xattrs.get(name);
  if (value === undefined) throw new KernelError('ENODATA');
  punchPages(call.kernel, value.pages, 0, Number.POSITIVE_INFINITY);
  xattrs.delete(name);
  inodeAt(call.kernel, place).ctime = timeOf(call.kernel);
}

/** listxattr(2): names called `trusted.*` only for root. */
export function listxattr(call: Caller, path: string): string[] {
  const { place } = walk(call, path);
  return [...inodeAt(call.kernel, place).xattrs.keys()].filter(
    (name) => call.user.uid === 0 || !name.startsWith('trusted.'),
  );
}

/** strncpy_from_user() of a name. */
function expectName(name: string): void {
  if (name === '' || Buffer.byteLength(name) > XATTR_NAME_MAX) throw new KernelError('ERANGE');
}

/** posix_acl_from_xattr(). VERSION: since 6.2 it comes first; before, nobody looks at a list that cannot be kept. */
function expectSoundAcl({ kernel }: Caller, name: string, value: Uint8Array): void {
  if (!kernel.state.profile.parsesAclFirst || !ACL_NAME.test(name)) return;
  if (value.length === 0) return;
  const [low, ...high] = value.subarray(0, 4);
  if (value.length < 4 || (value.length - 4) % 8 !== 0) throw new KernelError('EINVAL');
  if (low !== ACL_VERSION || high.some((byte) => byte !== 0)) throw new KernelError('EOPNOTSUPP');
}

/** xattr_permission() for a change, then cap_inode_setxattr(). */
function expectMayWrite(call: Caller, place: Place, name: string): void {
  const { user } = call;
  const root = user.uid === 0;
  if (/^(security|trusted)\./.test(name) && !root) throw new KernelError('EPERM');
  if (/^(security|system|trusted)\./.test(name)) return;
  if (/^user\./.test(name)) {
    const inode = inodeAt(call.kernel, place);
    if (!isRegular(inode) && !isDirectory(inode)) throw new KernelError('EPERM');
    const sticky = isDirectory(inode) && (inode.mode & S_ISVTX) !== 0;
    if (sticky && !ownerOrRoot(inode, user)) throw new KernelError('EPERM');
  }
  expectPermission(call, place, MAY_WRITE);
}

/** xattr_permission() for a look. */
function expectMayRead(call: Caller, place: Place, name: string): void {
  if (/^(security|system)\./.test(name)) return;
  if (/^trusted\./.test(name)) {
    if (call.user.uid !== 0) throw new KernelError('ENODATA');
    return;
  }
  const inode = inodeAt(call.kernel, place);
  if (/^user\./.test(name) && !isRegular(inode) && !isDirectory(inode)) throw new KernelError('ENODATA');
  expectPermission(call, place, MAY_READ);
}

/** Where attributes of that name are kept. Throws EOPNOTSUPP when nowhere. */
function storeOf({ kernel }: Caller, place: Place, name: string): Inode['xattrs'] {
  if (fileSystemOf(kernel, place).xattr(kernel, name) !== 'kept') throw new KernelError('EOPNOTSUPP');
  return inodeAt(kernel, place).xattrs;
}
