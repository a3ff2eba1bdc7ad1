import type { Observer } from '@sevlab/ambient/observer';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { utf8 } from '@sevlab/codec/bytes';
import { BOOT_PARAMS_SIZE } from '@sevlab/codec/efi/boot-params';
import { fillForm } from '@sevlab/codec/message-form';
import { type GuestContext, MSR_SEV_STATUS } from '@sevlab/machine/machine';
import { ACCOUNT_FILES } from './accounts.ts';
import { emitUevent, registerDriver } from './driver-core.ts';
import { registerCocoSecret } from './efi/coco.ts';
import { efiInit } from './efi/config-tables.ts';
import { setupMemoryMap } from './efi/e820.ts';
import { KernelError } from './errno.ts';
import { Kernel } from './kernel.ts';
import { KERNEL_MESSAGES } from './log-messages.ts';
import { loadForDevice } from './modules.ts';
import { mountSecurityFs } from './mounted-securityfs.ts';
import { O_CREAT, O_WRONLY } from './open-flags.ts';
import { printk } from './printk.ts';
import type { KernelProfile } from './profile.ts';
import { createPseudoState } from './pseudo/pseudo-file-system.ts';
import { createFile, createSecurityFs } from './securityfs.ts';
import { createPageAllocator } from './tmpfs/page-allocator.ts';
import { ROOT } from './user.ts';
import { mountTree } from './vfs/mounts.ts';

export interface BootInput {
  readonly context: GuestContext;
  /** Where the loader left boot_params. */
  readonly bootParams: Gpa;
  readonly profile: KernelProfile;
  /** Whether the driver is part of the kernel and no module. Default: false. */
  readonly builtIn?: boolean;
  readonly observer: Observer;
}

/** init is process 1. */
const FIRST_PID = 2;

/** Boots to a root shell: the kernel, then user space, which mounts securityfs and lets udev find drivers. */
export function bootKernel(input: BootInput): Kernel {
  const kernel = startKernel(input);
  mountSecurityFs(kernel);
  coldplug(kernel);
  return kernel;
}

/** setup_arch(), then the initcalls that matter here, in their order. No user space yet. */
export function startKernel({ context, bootParams, profile, builtIn = false, observer }: BootInput): Kernel {
  const now = observer.clock.now;
  const params = context.memory.as('kernel').readPrivate(bootParams, BOOT_PARAMS_SIZE);
  const kernel = new Kernel(
    {
      profile,
      booted: now,
      log: [],
      bootParams: params,
      efiRuntime: false,
      e820: [],
      iomem: [],
      warnedOfRam: false,
      efiTables: undefined,
      cocoSecret: undefined,
      devices: new Map(),
      modules: new Map(),
      builtIn,
      efiSecret: undefined,
      securityfs: createSecurityFs(now),
      pseudo: createPseudoState(now),
      tmpfs: { inodes: new Map(), nextIno: 1 },
      anonymous: { inodes: new Map(), nextIno: 1, nextCookie: 1 },
      pages: { fresh: [], freed: [], used: 0, limit: 0 },
      mounts: [],
      files: new Map(),
      directories: new Map(),
      nextPid: FIRST_PID,
      mounted: false,
    },
    context,
    observer,
  );
  setupMemoryMap(kernel, params);
  kernel.state.pages = createPageAllocator(kernel);
  kernel.state.mounts = mountTree(kernel);
  populateRootfs(kernel);
  efiInit(kernel, params);
  printMemoryEncryption(kernel);
  securityfsInit(kernel);
  registerCocoSecret(kernel);
  if (builtIn) registerDriver(kernel, 'efi_secret'); // a device_initcall, and so behind efisubsys_init()
  return kernel;
}

/** arch/x86/mm/mem_encrypt.c, print_mem_encrypt_feature_info(): bits of SEV_STATUS by their names. */
function printMemoryEncryption(kernel: Kernel): void {
  const status = kernel.context.rdmsr(MSR_SEV_STATUS);
  const active = ['SEV', 'SEV-ES', 'SEV-SNP'].filter((_, bit) => ((status >> BigInt(bit)) & 1n) === 1n);
  if (active.length === 0) return;
  printk(kernel, 'info', fillForm(KERNEL_MESSAGES.memoryEncryption, { features: active.join(' ') }));
  if (kernel.state.profile.showsSevStatus)
    printk(kernel, 'info', fillForm(KERNEL_MESSAGES.sevStatus, { features: active.join(' ') }));
}

/** security/inode.c, securityfs_init(), a core_initcall. */
function securityfsInit(kernel: Kernel): void {
  createFile(kernel, kernel.state.securityfs.root, 'lsm', 0o444, 'lsm', gpa(0n)); // its content lies nowhere
}

/** init/initramfs.c, populate_rootfs(): what the initramfs has in /etc, as far as there is room for it. */
function populateRootfs(kernel: Kernel): void {
  const init = kernel.as(ROOT);
  for (const [path, text] of Object.entries(ACCOUNT_FILES)) {
    const fd = init.open(path, O_WRONLY | O_CREAT, 0o644);
    try {
      init.write(fd, utf8(text));
    } catch (error) {
      if (!(error instanceof KernelError && error.code === 'ENOSPC')) throw error;
    }
    init.close(fd);
  }
}

/** udevadm trigger: devices that came before user space are announced again, and udev loads their modules. */
export function coldplug(kernel: Kernel): void {
  for (const device of kernel.state.devices.keys()) {
    emitUevent(kernel, 'add', device);
    loadForDevice(kernel, device);
  }
}
