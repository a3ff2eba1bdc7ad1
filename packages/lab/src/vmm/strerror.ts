import { constants } from 'node:os';

/** What strerror(3) of glibc says of the errors that opening, reading and writing a file come to. */
const TEXTS: Readonly<Record<string, string>> = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  EIO: 'Input/output error',
  ENXIO: 'No such device or address',
  EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy',
  ENODEV: 'No such device',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EINVAL: 'Invalid argument',
  ENFILE: 'Too many open files in system',
  EMFILE: 'Too many open files',
  ETXTBSY: 'Text file busy',
  EFBIG: 'File too large',
  ENOSPC: 'No space left on device',
  EROFS: 'Read-only file system',
  ENAMETOOLONG: 'File name too long',
  ELOOP: 'Too many levels of symbolic links',
  EOVERFLOW: 'Value too large for defined data type',
  EDQUOT: 'Disk quota exceeded',
};

/** The words of the C library for an error of node:fs, since QEMU's messages end with them. */
export function strerror(error: unknown): string {
  const { code = '' } = error as { code?: string }; // errors of node:fs have one
  const errno = constants.errno as Readonly<Record<string, number>>;
  return TEXTS[code] ?? (errno[code] === undefined ? String(error) : `Unknown error ${errno[code]}`);
}
