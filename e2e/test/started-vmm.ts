import { type ChildProcess, spawn } from 'node:child_process';
import { SEVLAB } from './command-line.ts';

/** A `sevlab vmm` that runs. */
export interface StartedVmm {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  /** Its exit code, once it has ended. */
  readonly exited: Promise<number | null>;
}

/** Starts one in this folder; resolves once it says where its socket is, or has ended. */
export async function startVmm(folder: string, ...line: string[]): Promise<StartedVmm> {
  const child = spawn(SEVLAB, ['vmm', ...line], { cwd: folder });
  let stderr = '';
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  await new Promise<void>((resolve) => {
    child.stderr!.on('data', (bytes) => {
      stderr += bytes;
      if (stderr.includes('QMP on')) resolve();
    });
    void exited.then(() => resolve());
  });
  return { child, stderr: () => stderr, exited };
}
