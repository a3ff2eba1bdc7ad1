import { type ErrnoName, KernelError } from '../errno.ts';
import {
  isDirectory,
  isFifo,
  isInGroup,
  isRegular,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  ownerOrRoot,
  permits,
  S_IFMT,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
  S_IWOTH,
  S_IXGRP,
  type User,
} from '../user.ts';
import type { Caller } from './caller.ts';
import type { Dentry, Place } from './file-system.ts';
import type { Inode, NewInode } from './inode.ts';
import { inodeAt } from './place.ts';

/** inode_permission(). */
export function expectPermission({ kernel, user }: Caller, place: Place, wanted: number): void {
  if (!permits(inodeAt(kernel, place), user, wanted)) throw new KernelError('EACCES');
}

/** inode_owner_or_capable(). */
export function expectOwner({ kernel, user }: Caller, place: Place, otherwise: ErrnoName = 'EPERM'): void {
  if (!ownerOrRoot(inodeAt(kernel, place), user)) throw new KernelError(otherwise);
}

/** fs/namei.c, may_create(), of a name that is not there. A directory that was removed takes none. */
export function expectMayCreate(call: Caller, dir: Place): void {
  if (inodeAt(call.kernel, dir).nlink === 0) throw new KernelError('ENOENT');
  expectPermission(call, dir, MAY_WRITE | MAY_EXEC);
}

/** fs/namei.c, may_delete(). `directory`: whether a directory is to be deleted, or anything else. */
export function expectMayDelete(call: Caller, dir: Place, victim: Dentry, directory: boolean): void {
  const { kernel, user } = call;
  expectPermission(call, dir, MAY_WRITE | MAY_EXEC);
  const folder = inodeAt(kernel, dir);
  const inode = inodeAt(kernel, victim.place);
  if (isSticky(folder) && !ownerOrRoot(folder, user) && !ownerOrRoot(inode, user))
    throw new KernelError('EPERM');
  if (directory && !isDirectory(inode)) throw new KernelError('ENOTDIR');
  if (!directory && isDirectory(inode)) throw new KernelError('EISDIR');
}

const isSticky = ({ mode }: Inode): boolean => (mode & S_ISVTX) !== 0;

/**
 * fs/namei.c, may_linkat(): whoever does not own a file links it only when he could write it anyway, since
 * fs.protected_hardlinks is 1, as Debian and systemd set it. fs.protected_symlinks, _regular and _fifos are 0, as Linux
 * has them by itself.
 */
export function expectMayLink({ kernel, user }: Caller, place: Place): void {
  const inode = inodeAt(kernel, place);
  const runsAsOther =
    (inode.mode & S_ISUID) !== 0 || (inode.mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP);
  const safe = isRegular(inode) && !runsAsOther;
  if (ownerOrRoot(inode, user) || (safe && permits(inode, user, MAY_READ | MAY_WRITE))) return;
  throw new KernelError('EPERM');
}

/** inode_init_owner(): in a directory with the set-group-ID bit the group is inherited, and by directories the bit. */
export function newInode({ kernel, user, umask }: Caller, dir: Place, mode: number): NewInode {
  const folder = inodeAt(kernel, dir);
  const masked = mode & ~umask;
  if ((folder.mode & S_ISGID) === 0) return { mode: masked, uid: user.uid, gid: user.gid };
  const strips = (masked & S_ISGID) !== 0 && (masked & S_IXGRP) !== 0 && !mayKeepGroup(user, folder.gid);
  const inherited = isDirectory({ mode }) ? masked | S_ISGID : strips ? masked & ~S_ISGID : masked;
  return { mode: inherited, uid: user.uid, gid: folder.gid };
}

/** in_group_or_capable(). */
export const mayKeepGroup = (user: User, gid: number): boolean => user.uid === 0 || isInGroup(user, gid);

/**
 * may_create_in_sticky(): with O_CREAT, what somebody else put into a world-writable directory with the sticky bit is
 * not opened, unless it is a regular file or a FIFO.
 */
export function expectMayReuse({ kernel, user }: Caller, dir: Place, place: Place): void {
  const [folder, inode] = [inodeAt(kernel, dir), inodeAt(kernel, place)];
  const trusted = inode.uid === folder.uid || inode.uid === user.uid;
  if (isRegular(inode) || isFifo(inode) || trusted) return;
  if (isSticky(folder) && (folder.mode & S_IWOTH) !== 0) throw new KernelError('EACCES');
}

/**
 * setattr_should_drop_suidgid(): what is written to, or gets an owner, is nobody's to run as the old one. Without the
 * group's x bit, set-group-ID stays for who is in the group.
 */
export function withoutSetId(user: User, { mode, gid }: Pick<Inode, 'mode' | 'gid'>): number {
  if (isDirectory({ mode })) return mode;
  const keepsGroup = (mode & S_IXGRP) === 0 && mayKeepGroup(user, gid);
  return mode & ~S_ISUID & (keepsGroup ? ~0 : ~S_ISGID);
}

/** file_remove_privs(): not for root, who has CAP_FSETID. */
export function removePrivileges({ user }: Caller, inode: Inode): void {
  if (user.uid !== 0 && isRegular(inode)) inode.mode = withoutSetId(user, inode);
}

/** A new mode of an inode: its type stays. */
export const replaceMode = (inode: Inode, mode: number): number => (inode.mode & S_IFMT) | (mode & ~S_IFMT);
