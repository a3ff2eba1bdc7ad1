import { KernelError } from '../errno.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { type Pages, punchPages, readPages, writePages } from '../tmpfs/content.ts';
import { PAGE_SIZE } from '../tmpfs/page-allocator.ts';
import type { FileOperations, Place } from '../vfs/file-system.ts';
import { isReadable, isWritable, type OpenFile } from '../vfs/open-file.ts';
import { isSamePlace } from '../vfs/place.ts';

/** A pipe (fs/pipe.c): bytes from `start` to `end` of an endless file, in guest memory. */
export interface Pipe {
  readonly pages: Pages;
  start: number;
  end: number;
}

/** 16 pages (PIPE_DEF_BUFFERS). */
export const PIPE_CAPACITY: number = 16 * PAGE_SIZE;

/** poll(2) (include/uapi/asm-generic/poll.h). */
export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;

/** The pipe behind a descriptor, with a name or without. */
export function pipeAt({ state }: RunningKernel, { place: { fs, ino } }: OpenFile['dentry']): Pipe {
  const { pipe } = (fs === 'tmpfs' ? state.tmpfs : state.anonymous).inodes.get(ino) ?? {};
  if (pipe === undefined) throw new Error('the descriptor is no pipe');
  return pipe;
}

const isHeldFor = (kernel: RunningKernel, place: Place, held: (file: OpenFile) => boolean): boolean =>
  [...kernel.state.files.values()].some(
    (file) => !file.pathOnly && held(file) && isSamePlace(file.dentry.place, place),
  );

export const createPipe = (): Pipe => ({ pages: new Map(), start: 0, end: 0 });

/** Nobody has an end any more: what was not read is gone. */
export function drainPipe(kernel: RunningKernel, pipe: Pipe): void {
  punchPages(kernel, pipe.pages, 0, Number.POSITIVE_INFINITY);
  pipe.start = 0;
  pipe.end = 0;
}

/** DEVIATION: nobody waits here; a read or write that would is EAGAIN, as on a descriptor with O_NONBLOCK. */
export const pipeOperations: FileOperations = {
  pread: false,
  pwrite: false,
  splice: true,

  read({ kernel }, { dentry }, _position, length) {
    const pipe = pipeAt(kernel, dentry);
    const count = Math.min(length, pipe.end - pipe.start);
    if (count === 0 && length > 0 && isHeldFor(kernel, dentry.place, isWritable))
      throw new KernelError('EAGAIN');
    const bytes = readPages(kernel, pipe.pages, pipe.start, count);
    pipe.start += count;
    punchPages(kernel, pipe.pages, 0, Math.floor(pipe.start / PAGE_SIZE) * PAGE_SIZE);
    return bytes;
  },

  write({ kernel }, { dentry }, _position, data) {
    const pipe = pipeAt(kernel, dentry);
    if (!isHeldFor(kernel, dentry.place, isReadable)) throw new KernelError('EPIPE');
    const room = data.subarray(0, PIPE_CAPACITY - (pipe.end - pipe.start));
    if (room.length === 0 && data.length > 0) throw new KernelError('EAGAIN');
    const written = writePages(kernel, pipe.pages, pipe.end, room);
    if (written < room.length && written === 0) throw new KernelError('ENOMEM');
    pipe.end += written;
    return written;
  },

  poll({ kernel }, file) {
    const pipe = pipeAt(kernel, file.dentry);
    const { place } = file.dentry;
    const used = pipe.end - pipe.start;
    const reading = (used > 0 ? POLLIN : 0) | (isHeldFor(kernel, place, isWritable) ? 0 : POLLHUP);
    const writing =
      (used < PIPE_CAPACITY ? POLLOUT : 0) | (isHeldFor(kernel, place, isReadable) ? 0 : POLLERR);
    return (isReadable(file) ? reading : 0) | (isWritable(file) ? writing : 0);
  },
};
