import { createAnonymous } from '../anonymous/anonymous.ts';
import { createPipe, PIPE_CAPACITY, pipeAt } from '../anonymous/pipe.ts';
import { KernelError } from '../errno.ts';
import { O_APPEND, O_RDONLY, O_WRONLY } from '../open-flags.ts';
import { isDirectory, isFifo, isRegular, S_IFIFO } from '../user.ts';
import type { Caller } from '../vfs/caller.ts';
import { fileOf, installFile, isReadable, isWritable, type OpenFile } from '../vfs/open-file.ts';
import { inodeAt, isSameMount, isSamePlace, operationsAt } from '../vfs/place.ts';
import { readAt, writeAt } from './descriptor-io.ts';

/** pipe2(2): the descriptors to read from and to write to. */
export function pipe({ kernel, user: { uid, gid } }: Caller): readonly [number, number] {
  const place = createAnonymous(kernel, { mode: S_IFIFO | 0o600, uid, gid }, { pipe: createPipe() });
  const end = (flags: number): number => {
    const dentry = { place, dir: undefined, name: '' };
    return installFile(kernel, { dentry, path: '', flags, pathOnly: false, entry: undefined });
  };
  return [end(O_RDONLY), end(O_WRONLY)];
}

/** sendfile(2): do_sendfile(), through a pipe of its own. With an offset, the descriptor's position is neither used nor moved. */
export function sendfile(call: Caller, out: number, from: number, count: number, offset?: number): number {
  const { kernel } = call;
  const source = fileOf(kernel, from);
  if (!isReadable(source)) throw new KernelError('EBADF');
  if (offset !== undefined && !operationsAt(kernel, source.dentry.place).pread)
    throw new KernelError('ESPIPE');
  const sink = fileOf(kernel, out);
  if (!isWritable(sink)) throw new KernelError('EBADF');
  if ((sink.flags & O_APPEND) !== 0) throw new KernelError('EINVAL');
  expectSplice(call, source);
  if (operationsAt(kernel, source.dentry.place).seek === undefined) throw new KernelError('EINVAL'); // a pipe
  let sent = 0;
  while (sent < count) {
    const piece = Math.min(count - sent, PIPE_CAPACITY);
    const moved = transfer(call, source, sink, piece, {
      offset: offset === undefined ? undefined : offset + sent,
    });
    if (moved === 0) break;
    sent += moved; // a file that is sent to itself may have grown
  }
  return sent;
}

/** copy_file_range(2): vfs_copy_file_range() and generic_copy_file_checks(). From and to the descriptors' positions. */
export function copyFileRange(call: Caller, from: number, to: number, count: number): number {
  const { kernel } = call;
  const [source, sink] = [fileOf(kernel, from), fileOf(kernel, to)];
  const places = [source.dentry.place, sink.dentry.place] as const;
  const inodes = places.map((place) => inodeAt(kernel, place));
  if (inodes.some(isDirectory)) throw new KernelError('EISDIR');
  if (!inodes.every(isRegular)) throw new KernelError('EINVAL');
  if (!isReadable(source) || !isWritable(sink) || (sink.flags & O_APPEND) !== 0)
    throw new KernelError('EBADF');
  if (!isSameMount(kernel, ...places)) throw new KernelError('EXDEV');
  const there = Math.max(0, Math.min(count, inodeAt(kernel, source.dentry.place).size - source.position));
  const overlap = Math.abs(source.position - sink.position) < there;
  if (isSamePlace(...places) && overlap) throw new KernelError('EINVAL');
  expectSplice(call, source);
  return transfer(call, source, sink, there);
}

/** splice(2): do_splice(). One of the two is a pipe; an offset is for the other. */
export function splice(call: Caller, from: number, to: number, count: number, offset?: number): number {
  const { kernel } = call;
  const [source, sink] = [fileOf(kernel, from), fileOf(kernel, to)];
  if (!isReadable(source) || !isWritable(sink)) throw new KernelError('EBADF');
  const isPipe = ({ dentry: { place } }: OpenFile): boolean => isFifo(inodeAt(kernel, place));
  if (!isPipe(source) && !isPipe(sink)) throw new KernelError('EINVAL');
  if (isPipe(sink)) {
    if (isPipe(source) && isSamePlace(source.dentry.place, sink.dentry.place))
      throw new KernelError('EINVAL');
    if (offset !== undefined && isPipe(source)) throw new KernelError('ESPIPE');
    expectSplice(call, source);
    const { start, end } = pipeAt(kernel, sink.dentry);
    return transfer(call, source, sink, Math.min(count, PIPE_CAPACITY - (end - start)), { offset });
  }
  if ((sink.flags & O_APPEND) !== 0) throw new KernelError('EINVAL');
  expectSplice(call, sink);
  return transfer(call, source, sink, count);
}

/** A file that cannot give its content to a pipe (file_operations without splice_read). */
function expectSplice({ kernel }: Caller, { dentry: { place } }: OpenFile): void {
  if (operationsAt(kernel, place).splice === undefined) throw new KernelError('EINVAL');
}

function transfer(
  call: Caller,
  source: OpenFile,
  sink: OpenFile,
  count: number,
  { offset }: { readonly offset?: number | undefined } = {},
): number {
  const from = offset ?? source.position;
  const at = sink.position;
  const bytes = readAt(call, source, from, count);
  const moved = bytes.length === 0 ? 0 : writeAt(call, sink, at, bytes);
  sink.position = at + moved;
  if (offset === undefined) source.position = from + moved; // also when both are one
  return moved;
}
