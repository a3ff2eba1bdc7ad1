import { KernelError } from '../errno.ts';
import { SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET } from '../open-flags.ts';
import type { Caller } from './caller.ts';
import type { OpenFile } from './open-file.ts';
import { inodeAt } from './place.ts';

/** DEVIATION: a file ends at 2^53 - 1 bytes, where numbers here stop being exact; Linux' tmpfs goes to 2^63 - 1. */
export const MAX_BYTES: number = Number.MAX_SAFE_INTEGER;

/** generic_file_llseek_size(), without SEEK_DATA and SEEK_HOLE. */
export function seekWithin(position: number, size: number, offset: number, whence: number): number {
  const from: Readonly<Record<number, number>> = { [SEEK_SET]: 0, [SEEK_CUR]: position, [SEEK_END]: size };
  const base = from[whence];
  if (base === undefined) throw new KernelError('EINVAL');
  const target = base + offset;
  if (target < 0 || target > MAX_BYTES) throw new KernelError('EINVAL');
  return target;
}

/** generic_file_llseek(): all that stat calls the size is data, and a hole follows. */
export function seekGeneric({ kernel }: Caller, file: OpenFile, offset: number, whence: number): number {
  const { size } = inodeAt(kernel, file.dentry.place);
  if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return seekWithin(file.position, size, offset, whence);
  if (offset < 0 || offset >= size) throw new KernelError('ENXIO');
  return whence === SEEK_DATA ? offset : size;
}

/** dcache_dir_lseek(): from the start or from here, not from the end. */
export function seekDirectory(_call: Caller, file: OpenFile, offset: number, whence: number): number {
  const target = whence === SEEK_CUR ? file.position + offset : offset;
  if ((whence !== SEEK_SET && whence !== SEEK_CUR) || target < 0) throw new KernelError('EINVAL');
  return target;
}
