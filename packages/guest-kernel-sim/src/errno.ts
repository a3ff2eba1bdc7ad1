/**
 * errno numbers of x86-64 Linux (include/uapi/asm-generic/errno-base.h, errno.h). EAGAIN and EWOULDBLOCK are one
 * number, as are EOPNOTSUPP and ENOTSUP.
 */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ESPIPE: 29,
  EROFS: 30,
  ENAMETOOLONG: 36,
  ENOTEMPTY: 39,
  EOPNOTSUPP: 95,
} as const;

export type ErrnoName = keyof typeof Errno;

/** What strerror(3) of glibc says, as tools print it. */
export const ERRNO_TEXT: Readonly<Record<ErrnoName, string>> = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  EBADF: 'Bad file descriptor',
  EAGAIN: 'Resource temporarily unavailable',
  ENOMEM: 'Cannot allocate memory',
  EACCES: 'Permission denied',
  EFAULT: 'Bad address',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EXDEV: 'Invalid cross-device link',
  ENODEV: 'No such device',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EINVAL: 'Invalid argument',
  ESPIPE: 'Illegal seek',
  EROFS: 'Read-only file system',
  ENAMETOOLONG: 'File name too long',
  ENOTEMPTY: 'Directory not empty',
  EOPNOTSUPP: 'Operation not supported',
};

/** An errno that unwinds the kernel's call stack: thrown deep, converted once where user space or the log sees it. */
export class KernelError extends Error {
  readonly code: ErrnoName;

  constructor(code: ErrnoName, message: string = ERRNO_TEXT[code]) {
    super(`${code}: ${message}`);
    this.name = 'KernelError';
    this.code = code;
  }
}
