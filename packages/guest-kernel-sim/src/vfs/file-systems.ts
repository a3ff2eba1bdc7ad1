import { anonymousFileSystem } from '../anonymous/anonymous.ts';
import { procFileSystem, sysFileSystem } from '../pseudo/pseudo-file-system.ts';
import { securityFileSystem } from '../securityfs-operations.ts';
import { tmpFileSystem } from '../tmpfs/tmpfs.ts';
import type { FileSystem, FileSystemName } from './file-system.ts';

/** The file systems that this kernel has. */
export const FILE_SYSTEMS: Readonly<Record<FileSystemName, FileSystem>> = {
  securityfs: securityFileSystem,
  tmpfs: tmpFileSystem,
  proc: procFileSystem,
  sysfs: sysFileSystem,
  anonymous: anonymousFileSystem,
};
