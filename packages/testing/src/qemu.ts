import type { LayoutName } from '@sevlab/firmware-sim/layouts';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { VERSION } from '@sevlab/lab/version';
import { FILES, VmmProcess } from '@sevlab/lab/vmm/vmm-process';
import { parseCommandLine } from '@sevlab/vmm-sim/qemu/command-line';
import { QEMU_RELEASES, readOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import type { Bench } from './bench.ts';
import { type ShellAnswer, type ShellOptions, typeIn } from './shell.ts';

/** A guest behind QMP, as `sevlab vmm` has it, in this process: whoever waits for it must not keep the process from running. */
export interface Qemu {
  /** What a person at the terminal is told: why the AMD-SP refused something, and what QEMU lets pass. */
  remarks(): readonly string[];
  /** Types a command into the guest's shell. Throws an error before `cont`, and when the guest did not start. */
  run(command: string, options?: ShellOptions): ShellAnswer;
  /** Ends it: connections are closed and sockets removed. */
  close(): Promise<void>;
}

/** @internal As Host.startQemu(). */
export async function qemuOn({ run }: Bench, words: readonly string[], as?: LayoutName): Promise<Qemu> {
  const { actors, observer, setup } = run.pipeline;
  const line = parseCommandLine(words);
  const build = { release: QEMU_RELEASES['7.2'], package: `sevlab ${VERSION}, simulated` };
  const options = readOptions(line, build, FILES);
  const remarks: string[] = [];
  const vmm = new VmmProcess({
    platform: { ...actors, observer },
    options: options.machine === 'none' ? options : { firmware: setup.image, ...options },
    software: { linux: setup.linux, ...(as !== undefined && { as }) },
    monitors: line.monitors.map(({ endpoint }) => endpoint),
    ...(line.serial && { serial: line.serial.endpoint }),
    lint: true,
    say: (text) => remarks.push(text),
  });
  await vmm.listen();
  const kernel = (): Kernel => {
    if (vmm.kernel === undefined)
      throw new Error(
        `the guest does not run; ${remarks.at(-1) ?? 'expected cont on its QMP socket before'}`,
      );
    return vmm.kernel;
  };
  return {
    remarks: () => remarks,
    run: (command, options) => typeIn(kernel(), command, options),
    close: () => vmm.close(),
  };
}
