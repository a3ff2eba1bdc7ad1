import { fillForm } from '@sevlab/codec/message-form';
import { probeEfiSecret, removeEfiSecret } from './drivers/efi-secret.ts';
import { Errno, KernelError } from './errno.ts';
import { KERNEL_MESSAGES } from './log-messages.ts';
import { type DeviceLog, deviceLog, printk } from './printk.ts';
import type { RunningKernel } from './running-kernel.ts';

/** A platform driver: it matches the device whose name, without the number, is its own (platform_match()). */
interface PlatformDriver {
  readonly name: string;
  probe(kernel: RunningKernel, dev: DeviceLog): void;
  remove(kernel: RunningKernel, dev: DeviceLog): void;
}

/** Drivers that exist as modules, by the module's name. */
const DRIVERS: ReadonlyMap<string, PlatformDriver> = new Map([
  ['efi_secret', { name: 'efi_secret', probe: probeEfiSecret, remove: removeEfiSecret }],
]);

/** platform_device_register_simple(): the device appears, and user space is told, if there is one. */
export function addPlatformDevice(kernel: RunningKernel, device: string): void {
  kernel.state.devices.set(device, { driver: undefined });
  emitUevent(kernel, 'add', device);
}

export const devicePath = (device: string): string => `/devices/platform/${device}`;
export const modalias = (device: string): string => `platform:${driverNameOf(device)}`;

const driverNameOf = (device: string): string => device.replace(/\.\d+$/, '');

/** A uevent of a platform device (drivers/base/platform.c, platform_uevent()). */
export function emitUevent(kernel: RunningKernel, action: string, device: string): void {
  kernel.observer.observe('kernel', 'user', () => ({
    type: 'uevent',
    action,
    devpath: devicePath(device),
    modalias: modalias(device),
  }));
}

/** A module's driver comes: every device that it matches is probed, and a probe that fails fails for itself. */
export function registerDriver(kernel: RunningKernel, name: string): void {
  for (const [device, { driver }] of kernel.state.devices) {
    if (driver === undefined && driverNameOf(device) === name) attach(kernel, device, name);
  }
}

/** A module's driver goes: its devices are unbound first. */
export function unregisterDriver(kernel: RunningKernel, name: string): void {
  for (const [device, { driver }] of kernel.state.devices) {
    if (driver === name) detach(kernel, device, name);
  }
}

/**
 * Writing a device's name to the driver's `bind` file (drivers/base/bus.c, bind_store()). Throws KernelError: the
 * probe's own errno, EBUSY for a bound device, ENODEV for one that the driver does not match.
 */
export function bindDevice(kernel: RunningKernel, driver: string, device: string): void {
  const entry = kernel.state.devices.get(device);
  if (entry === undefined || driverNameOf(device) !== driver) throw new KernelError('ENODEV');
  if (entry.driver !== undefined) throw new KernelError('EBUSY');
  const failure = attach(kernel, device, driver);
  if (failure !== undefined) throw failure;
}

/** Writing to `unbind`. Throws ENODEV when the device is not bound to the driver. */
export function unbindDevice(kernel: RunningKernel, driver: string, device: string): void {
  if (kernel.state.devices.get(device)?.driver !== driver) throw new KernelError('ENODEV');
  detach(kernel, device, driver);
}

/** Probes. What the probe throws becomes its errno here, and a line in the log (dd.c, call_driver_probe()). */
function attach(kernel: RunningKernel, device: string, name: string): KernelError | undefined {
  const driver = DRIVERS.get(name);
  if (driver === undefined) throw new Error(`no driver ${name}`);
  try {
    driver.probe(kernel, deviceLog(kernel, name, device));
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    logProbeFailure(kernel, device, name, error);
    return error;
  }
  kernel.state.devices.set(device, { driver: name });
  emitUevent(kernel, 'bind', device);
  return undefined;
}

/** A device that is not there is no failure (dd.c: -ENODEV and -ENXIO are debug messages). */
function logProbeFailure(kernel: RunningKernel, device: string, name: string, { code }: KernelError): void {
  if (code === 'ENODEV') return;
  if (kernel.state.profile.probeFailure === 'warning') {
    printk(
      kernel,
      'warning',
      fillForm(KERNEL_MESSAGES.probeFailed, { driver: name, device, errno: -Errno[code] }),
    );
  } else {
    printk(
      kernel,
      'err',
      fillForm(KERNEL_MESSAGES.probeFailedNew, { driver: name, device, errno: -Errno[code] }),
    );
  }
}

function detach(kernel: RunningKernel, device: string, name: string): void {
  DRIVERS.get(name)?.remove(kernel, deviceLog(kernel, name, device));
  kernel.state.devices.set(device, { driver: undefined });
  emitUevent(kernel, 'unbind', device);
}
