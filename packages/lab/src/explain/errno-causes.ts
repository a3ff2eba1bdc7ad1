import type { ErrnoName } from '@sevlab/guest-kernel-sim/errno';

/** Who says it on the way of a secret, and what it means there. */
interface ErrnoCause {
  readonly by: string;
  readonly means: string;
}

const KVM = 'KVM (arch/x86/kvm/svm/sev.c)';
const DRIVER = 'efi_secret (drivers/virt/coco/efi_secret)';
const SECURITYFS = 'securityfs (security/inode.c)';
const VFS = 'Linux, of any file';

/** What each errno means on this path, the likeliest first. */
export const ERRNO_CAUSES: Readonly<Record<ErrnoName, readonly ErrnoCause[]>> = {
  EPERM: [
    {
      by: SECURITYFS,
      means: 'unlink outside secrets/coco: only the maker of a directory lets its files be deleted',
    },
    { by: VFS, means: 'only root may: chown, links, and what needs a capability' },
  ],
  ENOENT: [
    {
      by: SECURITYFS,
      means: 'there is no such secret, or it was wiped; without a driver there is no secrets/coco at all',
    },
    { by: 'modprobe', means: 'this kernel has no module efi_secret' },
  ],
  EINTR: [{ by: VFS, means: 'a call that waited was interrupted by a signal' }],
  EIO: [
    { by: KVM, means: 'the AMD-SP refused the command; fw_error says why' },
    { by: VFS, means: 'a write to a file of procfs or sysfs that takes none' },
  ],
  ENXIO: [
    {
      by: VFS,
      means: 'nobody reads that FIFO, there is no such device, or a search for data went past the end',
    },
  ],
  E2BIG: [{ by: VFS, means: 'the value of an extended attribute is too long' }],
  ENOEXEC: [{ by: VFS, means: 'the file is no program' }],
  EBADF: [
    { by: KVM, means: '/dev/sev or a descriptor behind it is not open' },
    { by: VFS, means: 'the descriptor is closed, or not open for that' },
  ],
  EAGAIN: [
    { by: 'rmmod', means: 'a secret is open, so the module stays' },
    { by: VFS, means: 'it would have to wait' },
  ],
  ENOMEM: [
    { by: KVM, means: 'there is no guest memory at that address' },
    {
      by: DRIVER,
      means:
        'the area cannot be mapped: it is RAM to the kernel, since the firmware did not reserve it, or it lies beyond the physical addresses',
    },
  ],
  EACCES: [
    {
      by: VFS,
      means: 'the secrets have mode 0440 and belong to root; root alone may read them, or its group',
    },
  ],
  EFAULT: [
    { by: KVM, means: 'a pointer of user space leads nowhere' },
    {
      by: DRIVER,
      means: 'in the emulator alone: the length of an entry was changed behind the back of the kernel',
    },
  ],
  EBUSY: [
    { by: 'bind', means: 'the device has its driver already' },
    { by: 'modprobe', means: 'the driver is part of the kernel' },
    { by: VFS, means: 'something is mounted there' },
  ],
  EEXIST: [
    { by: DRIVER, means: 'two entries of the table have one GUID: all files vanish' },
    { by: 'modprobe', means: 'the module is loaded already' },
    { by: VFS, means: 'the name is taken' },
  ],
  EXDEV: [
    {
      by: VFS,
      means: 'a link or a rename would lead into another file system: securityfs is one of its own',
    },
  ],
  ENODEV: [
    {
      by: DRIVER,
      means:
        'the area does not start with the GUID of a secret table: nothing was injected, at another address, or before the guest was measured; no line above debug says so',
    },
    { by: 'bind', means: 'there is no device efi_secret.0: the firmware published no secret area' },
  ],
  ENOTDIR: [{ by: VFS, means: 'a part of the path is no directory' }],
  EISDIR: [{ by: VFS, means: 'it is a directory' }],
  EINVAL: [
    {
      by: KVM,
      means:
        'a blob is empty or longer than 16384 bytes, the target is not contiguous in host memory, or the guest is initialized already',
    },
    {
      by: DRIVER,
      means:
        'the secret table is damaged: a length is too small, or larger than what holds it; the log says which',
    },
    { by: VFS, means: 'an argument is none that is allowed' },
  ],
  ENOTTY: [
    { by: KVM, means: 'this guest is no SEV guest, or no SEV-ES guest where one is needed' },
    { by: VFS, means: 'this file takes no ioctl' },
  ],
  EFBIG: [{ by: VFS, means: 'the file would become too large' }],
  ENOSPC: [{ by: VFS, means: 'the file system is full' }],
  ESPIPE: [{ by: VFS, means: 'no position can be chosen in a pipe; pwrite(2) is refused so on a secret' }],
  EROFS: [{ by: VFS, means: 'the file system is read-only' }],
  EPIPE: [{ by: VFS, means: 'nobody reads the pipe any more' }],
  ERANGE: [{ by: VFS, means: 'the room that was given, or a name, has the wrong size' }],
  ENAMETOOLONG: [{ by: VFS, means: 'a name has more than 255 bytes, or a path more than 4095' }],
  ENOTEMPTY: [{ by: VFS, means: 'the directory has entries' }],
  ELOOP: [{ by: VFS, means: 'too many symbolic links, or one where none is followed' }],
  ENODATA: [{ by: VFS, means: 'there is no such extended attribute' }],
  EOPNOTSUPP: [{ by: VFS, means: 'this file system or file cannot do it' }],
};
