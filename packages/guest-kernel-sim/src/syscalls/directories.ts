import { KernelError } from '../errno.ts';
import { isDirectory, MAY_EXEC, MAY_READ } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import type { Dirent, Place } from '../vfs/file-system.ts';
import { fileOf, releasePlace } from '../vfs/open-file.ts';
import { directoryPath } from '../vfs/path-of.ts';
import { expectPermission } from '../vfs/permission.ts';
import { fileSystemOf, inodeAt } from '../vfs/place.ts';
import { parentOf, walk } from '../vfs/walk.ts';
import { touch } from './descriptor-io.ts';

/** getdents64(2) of a whole directory: `.` and `..` in front; then newest first, but for procfs and sysfs. */
export function readdir(call: Caller, path: string): Dirent[] {
  const dentry = walk(call, path);
  expectDirectory(call, dentry.place);
  expectPermission(call, dentry.place, MAY_READ);
  touch(call, { dentry, flags: 0 });
  return list(call, dentry.place);
}

/** getdents64(2): all that the descriptor did not give yet. */
export function getdents(call: Caller, fd: number): Dirent[] {
  const file = fileOf(call.kernel, fd);
  expectDirectory(call, file.dentry.place);
  const names = list(call, file.dentry.place).slice(file.position);
  file.position += names.length;
  touch(call, file);
  return names;
}

function list(call: Caller, dir: Place): Dirent[] {
  const dots: Dirent[] = [
    { name: '.', ino: dir.ino, type: 4 },
    { name: '..', ino: parentOf(call.kernel, dir).ino, type: 4 },
  ];
  return [...dots, ...fileSystemOf(call.kernel, dir).entries(call, dir.ino)];
}

/** chdir(2). */
export function chdir(call: Caller, path: string): void {
  enter(call, walk(call, path).place);
}

/** fchdir(2). */
export function fchdir(call: Caller, fd: number): void {
  enter(call, fileOf(call.kernel, fd).dentry.place);
}

function enter(call: Caller, place: Place): void {
  expectDirectory(call, place);
  expectPermission(call, place, MAY_EXEC);
  const { state } = call.kernel;
  const before = call.cwd;
  call.pid ??= state.nextPid++;
  state.directories.set(call.pid, place);
  call.cwd = place;
  if (before !== undefined) releasePlace(call.kernel, before);
}

/** getcwd(2). Throws ENOENT when the directory was removed. */
export function getcwd(call: Caller): string {
  const { cwd, kernel } = call;
  const gone = cwd === undefined || inodeAt(kernel, cwd).nlink === 0;
  const path = gone ? undefined : directoryPath(call, cwd);
  if (path === undefined) throw new KernelError('ENOENT');
  return path;
}

/** _exit(2): the process leaves its working directory. */
export function exit(call: Caller): void {
  const { cwd, pid, kernel } = call;
  if (pid === undefined || cwd === undefined) return;
  kernel.state.directories.delete(pid);
  call.cwd = undefined;
  call.pid = undefined;
  releasePlace(kernel, cwd);
}

function expectDirectory({ kernel }: Caller, place: Place): void {
  if (!isDirectory(inodeAt(kernel, place))) throw new KernelError('ENOTDIR');
}
