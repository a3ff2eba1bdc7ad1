import type { RunningKernel } from './running-kernel.ts';

/** Log levels (include/linux/kern_levels.h). */
export const LOG_LEVEL = { err: 3, warning: 4, info: 6, debug: 7 } as const;
export type LogLevel = keyof typeof LOG_LEVEL;

export interface LogLine {
  /** Nanoseconds since the kernel started. */
  readonly time: bigint;
  readonly level: LogLevel;
  readonly text: string;
}

/** Appends a line to the kernel log. */
export function printk(kernel: RunningKernel, level: LogLevel, text: string): void {
  const { state, observer } = kernel;
  state.log.push({ time: observer.clock.now - state.booted, level, text });
  observer.observe('kernel', 'user', () => ({ type: 'printk', level: LOG_LEVEL[level], line: text }));
}

/** One line as dmesg(1) prints it: `[    0.000012] efi: EFI v2.70 by EDK II`. */
export function formatLogLine({ time, text }: LogLine): string {
  const seconds = (time / 1_000_000_000n).toString().padStart(5);
  const micros = ((time / 1_000n) % 1_000_000n).toString().padStart(6, '0');
  return `[${seconds}.${micros}] ${text}`;
}

/** dev_err(), dev_info() and dev_dbg() of one device (drivers/base/core.c, dev_printk()). */
export interface DeviceLog {
  err(text: string): void;
  info(text: string): void;
  dbg(text: string): void;
}

/** `driver device: ` stands in front of each line; debug lines need the module's dynamic debug. */
export function deviceLog(kernel: RunningKernel, driver: string, device: string): DeviceLog {
  const prefix = `${driver} ${device}: `;
  return {
    err: (text) => printk(kernel, 'err', prefix + text),
    info: (text) => printk(kernel, 'info', prefix + text),
    dbg: (text) => {
      if (kernel.state.modules.get(driver)?.debug) printk(kernel, 'debug', prefix + text);
    },
  };
}
