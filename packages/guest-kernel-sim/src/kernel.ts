import type { Observer } from '@sevlab/ambient/observer';
import { utf8 } from '@sevlab/codec/bytes';
import type { GuestContext, GuestMemory } from '@sevlab/machine/machine';
import type { IFs } from 'memfs';
import { efiSecretOperations } from './drivers/efi-secret.ts';
import { createFileSystem } from './memfs-view.ts';
import { formatLogLine } from './printk.ts';
import type { KernelState, RunningKernel } from './running-kernel.ts';
import type { InodeOperations, OperationsName } from './securityfs.ts';
import { runShell, type ShellResult } from './shell.ts';
import { createSyscalls, type Syscalls } from './syscalls.ts';
import { ROOT, type User } from './user.ts';
import { FILE_SYSTEMS } from './vfs/file-systems.ts';

/** File operations that inodes name. */
const OPERATIONS: Readonly<Record<OperationsName, InodeOperations>> = {
  efi_secret: efiSecretOperations,
  /** security/inode.c, lsm_read(): the active security modules. */
  lsm: { show: () => utf8('capability') },
};

/** Where root's shell starts. */
const HOME = '/root';

/** A kernel that runs. Its whole past is in `state`. */
export class Kernel implements RunningKernel {
  readonly state: KernelState;
  readonly context: GuestContext;
  readonly memory: GuestMemory;
  readonly observer: Observer;
  readonly operations = OPERATIONS;
  readonly fileSystems = FILE_SYSTEMS;
  #fs: IFs | undefined;

  constructor(state: KernelState, context: GuestContext, observer: Observer) {
    this.state = state;
    this.context = context;
    this.memory = context.memory.as('kernel');
    this.observer = observer;
  }

  /** The kernel log as dmesg(1) prints it, without line ends. */
  dmesg(): string[] {
    return this.state.log.map(formatLogLine);
  }

  /** A process of a user, that makes system calls. Its working directory is a path; without one, that of root's shell. */
  as(user: User, cwd: string = HOME): Syscalls {
    return createSyscalls(this, user, cwd);
  }

  /** Types a command into the guest's root shell: see runShell(). */
  run(command: string): ShellResult {
    return runShell(this, command);
  }

  /** securityfs in the shape of Node's `fs`, for root; made on first use. */
  get fs(): IFs {
    this.#fs ??= createFileSystem(this.as(ROOT));
    return this.#fs;
  }
}

/** The same past, another future: nothing is shared with the original. */
export function forkKernel(kernel: Kernel, input: { context: GuestContext; observer: Observer }): Kernel {
  return new Kernel(structuredClone(kernel.state), input.context, input.observer);
}
