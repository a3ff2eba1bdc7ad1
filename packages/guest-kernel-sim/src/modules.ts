import { modalias, registerDriver, unregisterDriver } from './driver-core.ts';
import { KernelError } from './errno.ts';
import type { RunningKernel } from './running-kernel.ts';

/** Modules of this kernel, with the aliases of modules.alias (MODULE_ALIAS("platform:efi_secret")). */
const MODULE_ALIASES: ReadonlyMap<string, string> = new Map([['platform:efi_secret', 'efi_secret']]);
const MODULES: ReadonlySet<string> = new Set(['efi_secret']);

/** The module that a name or a modalias means; undefined when depmod knows none. */
export function resolveModule(kernel: RunningKernel, name: string): string | undefined {
  const module = MODULE_ALIASES.get(name) ?? name.replaceAll('-', '_');
  return isBuilt(kernel, module) ? module : undefined;
}

const isBuilt = ({ state }: RunningKernel, module: string): boolean =>
  state.profile.announces !== 'nobody' && MODULES.has(module);

/** Platform drivers that are registered: those of loaded modules, and one that is part of the kernel. */
export const driverNames = ({ state }: RunningKernel): string[] => [
  ...state.modules.keys(),
  ...(state.builtIn ? MODULES : []),
];

/**
 * init_module(2). The module stays, whatever its driver's probe says. Throws EEXIST when it is loaded, ENOENT when
 * there is no such module, EBUSY when its driver is part of the kernel (driver_register()). `debug` is the parameter `dyndbg=+p`.
 */
export function loadModule(kernel: RunningKernel, name: string, { debug = false } = {}): void {
  if (!isBuilt(kernel, name)) throw new KernelError('ENOENT');
  if (kernel.state.modules.has(name)) throw new KernelError('EEXIST');
  if (kernel.state.builtIn) throw new KernelError('EBUSY');
  kernel.state.modules.set(name, { debug });
  registerDriver(kernel, name);
}

/** delete_module(2) with O_NONBLOCK. Throws ENOENT when it is not loaded, EAGAIN while one of its files is open. */
export function unloadModule(kernel: RunningKernel, name: string): void {
  if (!kernel.state.modules.has(name)) throw new KernelError('ENOENT');
  if (moduleUsers(kernel, name) > 0) throw new KernelError('EAGAIN');
  unregisterDriver(kernel, name);
  kernel.state.modules.delete(name);
}

/** The reference count: open files whose operations the module owns. */
export function moduleUsers(kernel: RunningKernel, name: string): number {
  const { securityfs, files } = kernel.state;
  return [...files.values()].filter(({ pathOnly, dentry: { place } }) => {
    return !pathOnly && place.fs === 'securityfs' && securityfs.inodes.get(place.ino)?.operations === name;
  }).length;
}

/** The text of /proc/modules; NOT MODELLED: load addresses. */
export function formatProcModules(kernel: RunningKernel): string {
  return [...kernel.state.modules.keys()]
    .map((name) => {
      const { moduleSize } = kernel.state.profile;
      return `${name} ${moduleSize} ${moduleUsers(kernel, name)} - Live 0x0000000000000000\n`;
    })
    .join('');
}

/** What udev's kmod builtin does with a device: loads the module that its modalias names, if there is one. */
export function loadForDevice(kernel: RunningKernel, device: string): void {
  const module = resolveModule(kernel, modalias(device));
  if (module !== undefined && !driverNames(kernel).includes(module)) loadModule(kernel, module);
}
