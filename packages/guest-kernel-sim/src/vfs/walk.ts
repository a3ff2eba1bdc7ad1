import { KernelError } from '../errno.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { isDirectory, isSymlink, MAY_EXEC, permits } from '../user.ts';
import type { Caller } from './caller.ts';
import type { Dentry, Place } from './file-system.ts';
import { aboveMount, coveredBy, rootOf } from './mounts.ts';
import { fileSystemOf, inodeAt } from './place.ts';

/** Bytes of a path with the zero behind it (include/uapi/linux/limits.h). */
const PATH_MAX = 4096;
/** Symbolic links that one walk follows (include/linux/namei.h). */
const MAXSYMLINKS = 40;

/** The directory that a path leads to, and the last component, which may or may not exist. */
export interface Last {
  readonly dir: Place;
  readonly name: string;
  /** `root` for the root directory itself, which has no name. */
  readonly kind: 'name' | 'dot' | 'dotdot' | 'root';
  /** The path ends in a slash, so only a directory will do. */
  readonly slash: boolean;
}

/** One walk (struct nameidata). */
interface Walk {
  readonly call: Caller;
  links: number;
}

/** filename_parentat(): throws ENOENT, ENOTDIR, EACCES, ELOOP or ENAMETOOLONG on the way to the last component. */
export const walkToParent = (call: Caller, path: string): Last =>
  walkFrom({ call, links: 0 }, call.cwd, path);

/** What the last component is, links not followed; undefined when there is nothing of that name. */
export function lookupLast(call: Caller, { dir, name, kind }: Last): Dentry | undefined {
  if (kind === 'root') return { place: dir, dir: undefined, name: '' };
  if (kind === 'dot') return { place: dir, dir: undefined, name: '' };
  if (kind === 'dotdot') return { place: parentOf(call.kernel, dir), dir: undefined, name: '' };
  const place = lookupIn(call, dir, name);
  return place && { place, dir, name };
}

/** Where a walk came to: the end, or the directory in which the last name is missing. */
export type Found =
  | { readonly dentry: Dentry; readonly last: Last }
  | { readonly dentry: undefined; readonly last: Last };

export interface FindOptions {
  /** Whether a link at the end is followed; one before a slash always is. */
  readonly follow: boolean;
  /** Whether a file is made where there is none: then a slash at the end is EISDIR. */
  readonly creates?: boolean;
}

/** path_lookupat(), and path_openat() as far as it walks. */
export function find(call: Caller, path: string, { follow, creates = false }: FindOptions): Found {
  const walk: Walk = { call, links: 0 };
  let last = walkFrom(walk, call.cwd, path);
  for (;;) {
    if (creates && last.slash && last.kind === 'name') throw new KernelError('EISDIR');
    const dentry = lookupLast(call, last);
    if (dentry === undefined) return { dentry, last };
    if (isSymlink(inodeAt(call.kernel, dentry.place)) && (follow || last.slash)) {
      const target = targetOf(walk, dentry.place);
      if (typeof target !== 'string') return { dentry: expectDirectory(call, target, last.slash), last };
      const next = walkFrom(walk, last.dir, target);
      last = { ...next, slash: next.slash || last.slash };
      continue;
    }
    return { dentry: expectDirectory(call, dentry, last.slash), last };
  }
}

/** The place that a path leads to. Throws ENOENT when it leads nowhere. */
export function walk(call: Caller, path: string, options = { follow: true }): Dentry {
  const { dentry } = find(call, path, options);
  if (dentry === undefined) throw new KernelError('ENOENT');
  return dentry;
}

/** link_path_walk(), up to the last component. */
function walkFrom(walk: Walk, start: Place | undefined, path: string): Last {
  const { call } = walk;
  if (path === '') throw new KernelError('ENOENT');
  if (Buffer.byteLength(path) >= PATH_MAX) throw new KernelError('ENAMETOOLONG');
  let dir = path.startsWith('/') ? rootOf(call.kernel) : start;
  if (dir === undefined) throw new KernelError('ENOENT');
  note(call, dir);
  const names = path.split('/').filter((name) => name !== '');
  const name = names.pop();
  for (const step of names) {
    mayEnter(call, dir);
    dir = directoryAt(walk, step === '.' ? dir : step === '..' ? parentOf(call.kernel, dir) : step, dir);
  }
  if (name === undefined) return { dir, name: '', kind: 'root', slash: false };
  mayEnter(call, dir);
  const kind = name === '.' ? 'dot' : name === '..' ? 'dotdot' : 'name';
  return { dir, name, kind, slash: path.endsWith('/') };
}

/** The directory that a step leads to, links followed. */
function directoryAt(walk: Walk, step: Place | string, dir: Place): Place {
  const { call } = walk;
  if (typeof step !== 'string') return step;
  const place = lookupIn(call, dir, step);
  if (place === undefined) throw new KernelError('ENOENT');
  const inode = inodeAt(call.kernel, place);
  if (isDirectory(inode)) return place;
  if (!isSymlink(inode)) throw new KernelError('ENOTDIR');
  const target = targetOf(walk, place);
  if (typeof target !== 'string') {
    if (!isDirectory(inodeAt(call.kernel, target.place))) throw new KernelError('ENOTDIR');
    return target.place;
  }
  const last = walkFrom(walk, dir, target);
  if (last.kind === 'name') return directoryAt(walk, last.name, last.dir);
  return last.kind === 'dotdot' ? parentOf(call.kernel, last.dir) : last.dir;
}

/** pick_link(): the target, when the walk may follow one more. */
function targetOf(walk: Walk, place: Place): string | Dentry {
  if (walk.links++ >= MAXSYMLINKS) throw new KernelError('ELOOP');
  const target = fileSystemOf(walk.call.kernel, place).readlink?.(walk.call, place.ino);
  if (target === undefined) throw new KernelError('EINVAL');
  return target;
}

function lookupIn(call: Caller, dir: Place, name: string): Place | undefined {
  const ino = fileSystemOf(call.kernel, dir).lookup(call, dir.ino, name);
  if (ino === undefined) return undefined;
  const place = coveredBy(call.kernel, { fs: dir.fs, ino });
  note(call, place);
  return place;
}

/** may_lookup(). */
function mayEnter({ kernel, user }: Caller, dir: Place): void {
  if (!permits(inodeAt(kernel, dir), user, MAY_EXEC)) throw new KernelError('EACCES');
}

function expectDirectory({ kernel }: Caller, dentry: Dentry, slash: boolean): Dentry {
  if (slash && !isDirectory(inodeAt(kernel, dentry.place))) throw new KernelError('ENOTDIR');
  return dentry;
}

/** follow_dotdot(): the directory above; the root is above itself. */
export function parentOf(kernel: RunningKernel, dir: Place): Place {
  const ino = fileSystemOf(kernel, dir).parent(kernel, dir.ino);
  return ino === undefined ? aboveMount(kernel, dir) : { fs: dir.fs, ino };
}

/** A call that comes to securityfs is observed. */
function note(call: Caller, place: Place): void {
  if (place.fs === 'securityfs') call.reachedSecurityFs = true;
}
