import { hexAddress } from '@sevlab/codec/address';
import { bindDevice, devicePath, emitUevent, modalias, unbindDevice } from './driver-core.ts';
import { KernelError } from './errno.ts';
import { formatIomem } from './iomem.ts';
import { driverNames, formatProcModules, loadForDevice } from './modules.ts';
import type { RunningKernel } from './running-kernel.ts';
import { S_IFDIR, S_IFLNK, S_IFREG, type User } from './user.ts';
import type { Dentry } from './vfs/file-system.ts';

/** Where securityfs is mounted. */
export const SECURITY_ROOT = '/sys/kernel/security';

/** A file or directory of procfs or sysfs. */
export interface PseudoNode {
  /** Type and permissions. */
  readonly mode: number;
  /** Of a file that can be read. */
  readonly read?: (user: User) => string;
  /** Of a file that can be written. */
  readonly write?: (text: string) => void;
  /** Of a symbolic link: text, or where it leads whatever names say. */
  readonly target?: string | Dentry;
  /** Whose it is, if not root's. */
  readonly owner?: User;
}

const directory = (mode = 0o755): PseudoNode => ({ mode: S_IFDIR | mode });
const text = (read: (user: User) => string, mode = 0o444): PseudoNode => ({ mode: S_IFREG | mode, read });
const link = (target: string): PseudoNode => ({ mode: S_IFLNK | 0o777, target });

/** Directories that are always there. */
const DIRECTORIES: ReadonlyMap<string, PseudoNode> = new Map([
  ['/proc', directory(0o555)],
  ['/sys', directory(0o555)],
  ['/sys/bus', directory()],
  ['/sys/bus/platform', directory()],
  ['/sys/bus/platform/devices', directory()],
  ['/sys/bus/platform/drivers', directory()],
  ['/sys/devices', directory()],
  ['/sys/devices/platform', directory()],
  ['/sys/kernel', directory()],
  [SECURITY_ROOT, directory(0o555)],
]);

/** What is at an absolute path of procfs or sysfs. */
export const pseudoNode = (kernel: RunningKernel, path: string): PseudoNode | undefined =>
  DIRECTORIES.get(path) ?? pseudoNodes(kernel).get(path);

/** Everything in procfs and sysfs, by absolute path. NOT MODELLED: whatever no command here looks at. */
export function pseudoNodes(kernel: RunningKernel): ReadonlyMap<string, PseudoNode> {
  const { state } = kernel;
  const nodes = new Map<string, PseudoNode>([
    ...DIRECTORIES,
    ['/proc/iomem', text(({ uid }) => formatIomem(state.iomem, uid === 0))],
    ['/proc/modules', text(() => formatProcModules(kernel))],
    ['/proc/mounts', text(() => formatMounts(kernel))],
  ]);
  if (state.efiTables !== undefined) {
    nodes.set('/sys/firmware', directory());
    nodes.set('/sys/firmware/efi', directory());
    nodes.set(
      '/sys/firmware/efi/systab',
      text(() => formatSystab(kernel), 0o400),
    );
  }
  for (const [device, { driver }] of state.devices) {
    const path = `/sys${devicePath(device)}`;
    nodes.set(path, directory());
    nodes.set(
      `${path}/driver_override`,
      text(() => '(null)\n', 0o644),
    );
    nodes.set(
      `${path}/modalias`,
      text(() => `${modalias(device)}\n`),
    );
    nodes.set(`${path}/subsystem`, link('../../../bus/platform'));
    nodes.set(`${path}/uevent`, {
      mode: S_IFREG | 0o644,
      read: () => `${driver === undefined ? '' : `DRIVER=${driver}\n`}MODALIAS=${modalias(device)}\n`,
      write: (action) => synthesizeUevent(kernel, action.trim(), device),
    });
    nodes.set(`/sys/bus/platform/devices/${device}`, link(`../../..${devicePath(device)}`));
    if (driver !== undefined) nodes.set(`${path}/driver`, link(`../../../bus/platform/drivers/${driver}`));
  }
  for (const driver of driverNames(kernel)) {
    const path = `/sys/bus/platform/drivers/${driver}`;
    nodes.set(path, directory());
    nodes.set(`${path}/bind`, {
      mode: S_IFREG | 0o200,
      write: (name) => bindDevice(kernel, driver, name.trim()),
    });
    nodes.set(`${path}/unbind`, {
      mode: S_IFREG | 0o200,
      write: (name) => unbindDevice(kernel, driver, name.trim()),
    });
    for (const [device, bound] of state.devices) {
      if (bound.driver === driver) nodes.set(`${path}/${device}`, link(`../../../..${devicePath(device)}`));
    }
  }
  return nodes;
}

/** `add` written into a uevent file, as coldplug does: user space gets the event again (kobject_synth_uevent()). */
function synthesizeUevent(kernel: RunningKernel, action: string, device: string): void {
  if (action !== 'add') throw new KernelError('EINVAL');
  emitUevent(kernel, action, device);
  loadForDevice(kernel, device); // udev listens
}

/** The text of /proc/mounts: the initramfs and what init mounts there, what has no content with systemd's options. */
export function formatMounts({ state }: RunningKernel): string {
  const options = 'rw,nosuid,nodev,noexec,relatime';
  const mounts = [
    'rootfs / rootfs rw 0 0',
    'tmpfs /dev tmpfs rw,relatime,mode=755 0 0',
    `proc /proc proc ${options} 0 0`,
    `sysfs /sys sysfs ${options} 0 0`,
    'tmpfs /tmp tmpfs rw,relatime 0 0',
    ...(state.mounted ? [`securityfs ${SECURITY_ROOT} securityfs ${options} 0 0`] : []),
  ];
  return mounts.map((line) => `${line}\n`).join('');
}

/** Tables that /sys/firmware/efi/systab lists, in its order (drivers/firmware/efi/efi.c, systab_show()). */
const SYSTAB: readonly (readonly [string, string])[] = [
  ['ACPI20', 'ACPI 2.0'],
  ['ACPI', 'ACPI'],
  ['SMBIOS3', 'SMBIOS 3.0'],
  ['SMBIOS', 'SMBIOS'],
];

function formatSystab({ state }: RunningKernel): string {
  return SYSTAB.map(([word, table]) => {
    const address = state.efiTables?.get(table);
    return address === undefined ? '' : `${word}=${hexAddress(address)}\n`;
  }).join('');
}
