import { KernelError } from './errno.ts';
import { type PseudoNode, pseudoNodes, SECURITY_ROOT } from './pseudo-files.ts';
import type { RunningKernel } from './running-kernel.ts';
import { type Inode, inodeOf, isDirectory, lookup } from './securityfs.ts';
import { MAY_EXEC, type Owned, permits, type User } from './user.ts';

/** Longest name, in bytes (NAME_MAX). */
const NAME_MAX = 255;
/** Relative paths start here: the shell's home. */
const HOME = '/root';

/** Something that a path leads to. */
export type Place =
  | { readonly fs: 'securityfs'; readonly inode: Inode }
  | { readonly fs: 'pseudo'; readonly path: string; readonly node: PseudoNode };

/** The directory that a path leads to, and the last component, which may or may not exist. */
export interface Last {
  readonly dir: Place;
  /** Empty for the root directory itself. */
  readonly name: string;
  /** The path ends in a slash, so only a directory will do. */
  readonly slash: boolean;
}

/** Owner and mode of a place. Everything outside securityfs is root's. */
export const ownedOf = (place: Place): Owned =>
  place.fs === 'securityfs' ? place.inode : { mode: place.node.mode, uid: 0, gid: 0 };

export const placeIsDirectory = (place: Place): boolean => isDirectory(ownedOf(place));

/** path_parentat(): throws ENOENT, ENOTDIR, EACCES or ENAMETOOLONG on the way to the last component. */
export function walkToParent(kernel: RunningKernel, user: User, path: string): Last {
  if (path === '') throw new KernelError('ENOENT');
  const absolute = path.startsWith('/') ? path : `${HOME}/${path}`;
  const names = absolute.split('/').filter((name) => name !== '');
  const name = names.pop() ?? '';
  let dir = rootOf(kernel);
  for (const step of names) {
    const next = lookupIn(kernel, user, dir, step);
    if (next === undefined) throw new KernelError('ENOENT');
    dir = directoryAt(kernel, user, next);
  }
  return { dir, name, slash: path.endsWith('/') && name !== '' };
}

/** What the last component is; undefined when there is nothing of that name. Without a slash no link is followed. */
export function lookupLast(kernel: RunningKernel, user: User, { dir, name, slash }: Last): Place | undefined {
  if (name === '') return dir;
  const place = lookupIn(kernel, user, dir, name);
  return place !== undefined && slash ? directoryAt(kernel, user, place) : place;
}

/** The place that a whole path leads to. Throws ENOENT when it leads nowhere. */
export function walk(kernel: RunningKernel, user: User, path: string): Place {
  const place = lookupLast(kernel, user, walkToParent(kernel, user, path));
  if (place === undefined) throw new KernelError('ENOENT');
  return place;
}

/** The directory that a place is, or that it links to. Links are relative, and none leads to itself. */
function directoryAt(kernel: RunningKernel, user: User, place: Place): Place {
  if (place.fs === 'pseudo' && place.node.target !== undefined) {
    return directoryAt(kernel, user, walk(kernel, user, `${directoryOf(place.path)}/${place.node.target}`));
  }
  if (!placeIsDirectory(place)) throw new KernelError('ENOTDIR');
  return place;
}

function lookupIn(kernel: RunningKernel, user: User, dir: Place, name: string): Place | undefined {
  if (!permits(ownedOf(dir), user, MAY_EXEC)) throw new KernelError('EACCES');
  if (name === '.') return dir;
  if (name === '..') return parentOf(kernel, dir);
  if (Buffer.byteLength(name) > NAME_MAX) throw new KernelError('ENAMETOOLONG');
  if (dir.fs === 'securityfs') {
    const inode = lookup(kernel.state.securityfs, dir.inode.ino, name);
    return inode && { fs: 'securityfs', inode };
  }
  const path = dir.path === '/' ? `/${name}` : `${dir.path}/${name}`;
  return placeAt(kernel, path);
}

/** The directory above; the root is above itself. */
function parentOf(kernel: RunningKernel, place: Place): Place {
  if (place.fs === 'pseudo') return placeAt(kernel, directoryOf(place.path)) ?? rootOf(kernel);
  const { securityfs } = kernel.state;
  if (place.inode.ino === securityfs.root)
    return placeAt(kernel, directoryOf(SECURITY_ROOT)) ?? rootOf(kernel);
  return { fs: 'securityfs', inode: inodeOf(securityfs, place.inode.parent ?? securityfs.root) };
}

function placeAt(kernel: RunningKernel, path: string): Place | undefined {
  const { mounted, securityfs } = kernel.state;
  if (mounted && path === SECURITY_ROOT) {
    return { fs: 'securityfs', inode: inodeOf(securityfs, securityfs.root) };
  }
  const node = pseudoNodes(kernel).get(path);
  return node && { fs: 'pseudo', path, node };
}

function rootOf(kernel: RunningKernel): Place {
  const root = placeAt(kernel, '/');
  if (root === undefined) throw new Error('there is no root directory');
  return root;
}

const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
