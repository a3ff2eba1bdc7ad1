import { KernelError } from '../errno.ts';
import { O_NONBLOCK } from '../open-flags.ts';
import type { RunningKernel } from '../running-kernel.ts';
import { S_IFCHR, S_IFIFO, S_IFMT } from '../user.ts';
import type { FileOperations } from '../vfs/file-system.ts';
import { isReadable, isWritable, type OpenFile } from '../vfs/open-file.ts';
import { inodeAt } from '../vfs/place.ts';

/** What a device of drivers/char/mem.c does. */
interface MemoryDevice {
  read(length: number): Uint8Array;
  /** Throws KernelError. */
  write(): void;
}

const nothing = (): Uint8Array => new Uint8Array(0);
const zeros = (length: number): Uint8Array => new Uint8Array(length);
const swallow = (): void => {};
const refuse = (): void => {
  throw new KernelError('ENOSPC');
};

/** By major and minor number. NOT MODELLED: every other device; opening one is ENXIO. */
const DEVICES: ReadonlyMap<string, MemoryDevice> = new Map([
  ['1:3', { read: nothing, write: swallow }], // null
  ['1:5', { read: zeros, write: swallow }], // zero
  ['1:7', { read: zeros, write: refuse }], // full
]);

function deviceOf({ state: { tmpfs } }: RunningKernel, { dentry }: OpenFile): MemoryDevice {
  const { device } = tmpfs.inodes.get(dentry.place.ino) ?? {};
  const known = device && DEVICES.get(`${device.major}:${device.minor}`);
  if (known === undefined) throw new KernelError('ENXIO');
  return known;
}

/**
 * Operations of what is neither a directory nor a regular file: devices, and FIFOs and sockets, which can be made and
 * removed here.
 * DEVIATION: no code waits for another process, so opening a FIFO that would is EINTR, as if a signal had come.
 */
export const deviceOperations: FileOperations = {
  pread: true,
  pwrite: true,

  open({ kernel }, file) {
    const type = inodeAt(kernel, file.dentry.place).mode & S_IFMT;
    if (type === S_IFCHR) deviceOf(kernel, file);
    else if (type !== S_IFIFO) throw new KernelError('ENXIO');
    else if ((file.flags & O_NONBLOCK) === 0 && !(isReadable(file) && isWritable(file)))
      throw new KernelError('EINTR');
    else if (!isReadable(file)) throw new KernelError('ENXIO');
  },

  read({ kernel }, file, _position, length) {
    return isFifo(kernel, file) ? nothing() : deviceOf(kernel, file).read(length);
  },

  write({ kernel }, file, _position, data) {
    if (isFifo(kernel, file)) throw new KernelError('EAGAIN');
    deviceOf(kernel, file).write();
    return data.length;
  },

  /** null_lseek(): always at the start. */
  seek({ kernel }, file) {
    if (isFifo(kernel, file)) throw new KernelError('ESPIPE');
    return 0;
  },
};

const isFifo = (kernel: RunningKernel, { dentry }: OpenFile): boolean =>
  (inodeAt(kernel, dentry.place).mode & S_IFMT) === S_IFIFO;
