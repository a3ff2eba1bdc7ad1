import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';

/** The program; Debian's package is qemu-system-x86. */
export const QEMU = 'qemu-system-x86_64';

/** A machine to run, as files. */
export interface RealMachine {
  readonly accelerator: Accelerator;
  /** Bytes of RAM; whole MiB. */
  readonly memorySize: bigint;
  /** File with the RAM; the guest's writes go there. */
  readonly memoryFile: string;
  /** File with the firmware image, a multiple of 64 KiB. */
  readonly firmwareFile: string;
  /** Files that get what the guest writes to its serial ports. */
  readonly serialFiles: readonly string[];
}

/** How a machine ended. */
export interface RealRun {
  /** QEMU's exit status; undefined when it was killed because it took too long. */
  readonly status: number | undefined;
  /** What QEMU itself complained of. */
  readonly stderr: string;
}

export type Accelerator = 'kvm' | 'tcg';

/** `kvm` where this user may use it and the processor has AMD-V or VT-x, else `tcg`: some sandboxes offer less. */
export function usableAccelerator(): Accelerator {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return /^flags\s*:.* (svm|vmx)( |$)/m.test(readFileSync('/proc/cpuinfo', 'latin1')) ? 'kvm' : 'tcg';
  } catch {
    return 'tcg';
  }
}

/** QEMU's arguments: one processor, memory, serial ports, and nothing else that could draw attention. */
export function qemuArguments(machine: RealMachine): string[] {
  const { accelerator, memorySize, memoryFile, firmwareFile, serialFiles } = machine;
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-smp', '1'],
    ...['-machine', `q35,memory-backend=ram,accel=${accelerator}`, '-m', `${memorySize / 1048576n}M`],
    ...[
      '-object',
      `memory-backend-file,id=ram,size=${memorySize},mem-path=${listValue(memoryFile)},share=on`,
    ],
    ...['-bios', firmwareFile],
    ...serialFiles.flatMap((file, i) => [
      ...['-chardev', `file,id=serial${i},path=${listValue(file)}`],
      ...['-serial', `chardev:serial${i}`],
    ]),
  ];
}

/** In QEMU's option lists a comma is written twice. */
const listValue = (path: string): string => path.replaceAll(',', ',,');

/** Runs the machine until it resets, or for so many seconds. Throws when QEMU cannot be started. */
export async function runMachine(machine: RealMachine, seconds: number): Promise<RealRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(QEMU, qemuArguments(machine), { stdio: ['ignore', 'ignore', 'pipe'] });
    const stderr: Buffer[] = [];
    let late = false;
    child.stderr.on('data', (part: Buffer) => stderr.push(part));
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, seconds * 1000);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ status: late ? undefined : (code ?? 128), stderr: Buffer.concat(stderr).toString() });
    });
  });
}
