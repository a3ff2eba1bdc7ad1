import { KernelError } from '../errno.ts';
import type { RunningKernel } from '../running-kernel.ts';
import type { FileOperations } from '../vfs/file-system.ts';
import type { OpenFile } from '../vfs/open-file.ts';

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

/** Operations of a character device. */
export const deviceOperations: FileOperations = {
  pread: true,
  pwrite: true,

  open({ kernel }, file) {
    deviceOf(kernel, file);
  },

  read: ({ kernel }, file, _position, length) => deviceOf(kernel, file).read(length),

  write({ kernel }, file, _position, data) {
    deviceOf(kernel, file).write();
    return data.length;
  },

  /** null_lseek(): always at the start. */
  seek: () => 0,
};

/** A socket's name in the file system cannot be opened. */
export const socketOperations: FileOperations = {
  pread: false,
  pwrite: false,
  open() {
    throw new KernelError('ENXIO');
  },
};
