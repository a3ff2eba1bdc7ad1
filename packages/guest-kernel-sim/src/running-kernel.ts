import type { Observer } from '@sevlab/ambient/observer';
import type { Gpa } from '@sevlab/codec/address';
import type { E820Entry } from '@sevlab/codec/efi/boot-params';
import type { GuestContext, GuestMemory } from '@sevlab/machine/machine';
import type { AnonymousState } from './anonymous/anonymous.ts';
import type { EfiSecretData } from './drivers/efi-secret.ts';
import type { IomemRegion } from './iomem.ts';
import type { LogLine } from './printk.ts';
import type { KernelProfile } from './profile.ts';
import type { PseudoState } from './pseudo/pseudo-file-system.ts';
import type { InodeOperations, OperationsName, SecurityFs } from './securityfs.ts';
import type { TmpfsState } from './tmpfs/inode.ts';
import type { PageAllocator } from './tmpfs/page-allocator.ts';
import type { FileSystem, FileSystemName, Place } from './vfs/file-system.ts';
import type { Mounts } from './vfs/mounts.ts';
import type { OpenFile } from './vfs/open-file.ts';

/** A loaded module. */
export interface LoadedModule {
  /** `dyndbg=+p`: its debug lines reach the log. */
  readonly debug: boolean;
}

/** The whole state of a kernel, as plain data. */
export interface KernelState {
  readonly profile: KernelProfile;
  /** Virtual time at which the kernel started, in nanoseconds since 1970. */
  readonly booted: bigint;
  readonly log: LogLine[];
  /** What the loader said, 4096 bytes: the kernel copies it before it uses memory. */
  readonly bootParams: Uint8Array;
  /** Whether the kernel may call EFI runtime services. */
  efiRuntime: boolean;
  e820: readonly E820Entry[];
  iomem: readonly IomemRegion[];
  /** WARN_ONCE of ioremap was used up. */
  warnedOfRam: boolean;
  /** Tables that the configuration table has, by their names in the log; undefined when EFI did not start the kernel. */
  efiTables: Map<string, Gpa> | undefined;
  /** Where the configuration table says that the location of the secret area is (efi.coco_secret). */
  cocoSecret: Gpa | undefined;
  /** Platform devices by name, with the driver that each is bound to. */
  readonly devices: Map<string, { driver: string | undefined }>;
  readonly modules: Map<string, LoadedModule>;
  /** Whether efi_secret is no module but part of the kernel (CONFIG_EFI_SECRET=y). */
  readonly builtIn: boolean;
  /** What the efi_secret driver keeps while it is bound. */
  efiSecret: EfiSecretData | undefined;
  readonly securityfs: SecurityFs;
  readonly pseudo: PseudoState;
  readonly tmpfs: TmpfsState;
  readonly anonymous: AnonymousState;
  /** Pages for the content of files in memory. */
  pages: PageAllocator;
  mounts: Mounts;
  /** Open files by descriptor. There is one table for all processes. */
  readonly files: Map<number, OpenFile>;
  /** Working directories by process: they hold an inode as a descriptor does. */
  readonly directories: Map<number, Place>;
  nextPid: number;
  /** Whether user space mounted securityfs. */
  mounted: boolean;
}

/** A kernel as its parts see it: the state, and what the machine lends. */
export interface RunningKernel {
  readonly state: KernelState;
  readonly context: GuestContext;
  readonly memory: GuestMemory;
  readonly observer: Observer;
  /** File operations by name, since state holds no functions. */
  readonly operations: Readonly<Record<OperationsName, InodeOperations>>;
  readonly fileSystems: Readonly<Record<FileSystemName, FileSystem>>;
}
