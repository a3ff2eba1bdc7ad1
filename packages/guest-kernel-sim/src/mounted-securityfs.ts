import { KernelError } from './errno.ts';
import type { RunningKernel } from './running-kernel.ts';

/** mount -t securityfs, as init does. */
export function mountSecurityFs({ state }: RunningKernel): void {
  state.mounted = true;
}

/** Whether a file or folder of it is open, which keeps it mounted. */
export const isSecurityFsOpen = ({ state }: RunningKernel): boolean =>
  [...state.files.values()].some(({ dentry }) => dentry.place.fs === 'securityfs');

/** umount2(2) of securityfs. Throws EINVAL where it is not mounted, EBUSY while something of it is open. */
export function unmountSecurityFs(kernel: RunningKernel): void {
  if (!kernel.state.mounted) throw new KernelError('EINVAL');
  if (isSecurityFsOpen(kernel)) throw new KernelError('EBUSY');
  kernel.state.mounted = false;
}
