import { SECURITY_ROOT } from '../pseudo-files.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { createRoot, tmpDirectoryOperations } from '../tmpfs/directory.ts';
import { S_IFCHR, S_IFDIR } from '../user.ts';
import type { Dentry, Place } from './file-system.ts';
import { isSameMount, isSamePlace } from './place.ts';

/** A file system in the tree. */
export interface Mount {
  /** Where: no mount point can be renamed, so this is constant. */
  readonly path: string;
  /** The directory that it covers; undefined for the root of the tree. */
  readonly on: Place | undefined;
  readonly root: Place;
}

/** As plain data; securityfs comes on top of it when user space mounts it. */
export type Mounts = readonly Mount[];

/** Inode numbers of /proc and /sys: see createPseudoState(). */
const PROC_ROOT: Place = { fs: 'proc', ino: 1 };
const SYS_ROOT: Place = { fs: 'sysfs', ino: 2 };

/** Directories of the root file system, with their permissions. */
const FOLDERS: readonly (readonly [string, number])[] = [
  ['dev', 0o755],
  ['etc', 0o755],
  ['proc', 0o755],
  ['root', 0o700],
  ['sys', 0o755],
  ['tmp', 0o755],
];

/** Character devices of /dev with major number 1: name and minor number. */
const DEVICES: readonly (readonly [string, number])[] = [
  ['null', 3],
  ['zero', 5],
  ['full', 7],
];

/** The tree that init makes: a root file system in memory, /dev, /tmp, /proc and /sys. */
export function mountTree(kernel: RunningKernel): Mounts {
  const { tmpfs, booted } = kernel.state;
  const inMemory = (superblock: number, mode: number): Place => ({
    fs: 'tmpfs',
    ino: createRoot(tmpfs, superblock, mode, booted),
  });
  const root = inMemory(0, 0o755);
  const dev = inMemory(1, 0o755);
  const roots: Readonly<Record<string, Place>> = {
    dev,
    proc: PROC_ROOT,
    sys: SYS_ROOT,
    tmp: inMemory(2, 0o1777),
  };
  const mounts: Mount[] = [{ path: '/', on: undefined, root }];
  for (const [name, mode] of FOLDERS) {
    const made = { mode: S_IFDIR | mode, uid: 0, gid: 0 };
    const ino = tmpDirectoryOperations.mkdir?.(kernel, { dir: root.ino, name }, made) ?? root.ino;
    const mounted = roots[name];
    if (mounted !== undefined) mounts.push({ path: `/${name}`, on: { fs: 'tmpfs', ino }, root: mounted });
  }
  for (const [name, minor] of DEVICES) {
    const made = { mode: S_IFCHR | 0o666, uid: 0, gid: 0 };
    tmpDirectoryOperations.mknod?.(kernel, { dir: dev.ino, name }, made, { major: 1, minor });
  }
  return mounts;
}

export function rootOf({ state }: RunningKernel): Place {
  const root = state.mounts[0]?.root;
  if (root === undefined) throw new Error('nothing is mounted');
  return root;
}

const securityRoot = ({ state }: RunningKernel): Place => ({ fs: 'securityfs', ino: state.securityfs.root });

const isSecurityMountPoint = ({ state }: RunningKernel, { fs, ino }: Place): boolean =>
  fs === 'sysfs' && state.mounted && state.pseudo.inodes.get(ino)?.path === SECURITY_ROOT;

/** follow_mount(): the root of what is mounted there, or the place itself. */
export function coveredBy(kernel: RunningKernel, place: Place): Place {
  if (isSecurityMountPoint(kernel, place)) return securityRoot(kernel);
  const mount = kernel.state.mounts.find(({ on }) => on !== undefined && isSamePlace(on, place));
  return mount?.root ?? place;
}

/** Where the mount is of which a place is the root. */
export function mountPathOf(kernel: RunningKernel, root: Place): string {
  if (root.fs === 'securityfs') return SECURITY_ROOT;
  return kernel.state.mounts.find((mount) => isSamePlace(mount.root, root))?.path ?? '/';
}

/** The directory above the root of a mount, which is in another one; the root of the tree is above itself. */
export function aboveMount(kernel: RunningKernel, root: Place): Place {
  if (root.fs !== 'securityfs') return rootOf(kernel); // all others are mounted there
  const ino = kernel.state.pseudo.byPath.get(SECURITY_ROOT.slice(0, SECURITY_ROOT.lastIndexOf('/')));
  return ino === undefined ? SYS_ROOT : { fs: 'sysfs', ino };
}

/** Whether a name leads to another mount: such a name cannot be removed or renamed. */
export const isMountPoint = (kernel: RunningKernel, { dir, place }: Dentry): boolean =>
  dir !== undefined && !isSameMount(kernel, dir, place);
