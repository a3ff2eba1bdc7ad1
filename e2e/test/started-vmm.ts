import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { SEVLAB } from './command-line.ts';

/** A process of sevlab vmm. */
export interface StartedVmm {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly exited: Promise<number | null>;
}

const started: ChildProcess[] = [];

/** Kills what startVmm() started. */
export function killStarted(): void {
  for (const child of started.splice(0)) child.kill('SIGKILL');
}

/** Starts a VMM in this folder; resolves once it says where it is reached, or has ended. */
export const startVmm = (folder: string, ...args: string[]): Promise<StartedVmm> =>
  startVmmWith(folder, ['ignore', 'pipe', 'pipe'], args);

/** The same with other standard streams; the third is a pipe in any case. */
export async function startVmmWith(
  folder: string,
  stdio: StdioOptions,
  args: readonly string[],
): Promise<StartedVmm> {
  const child = spawn(SEVLAB, ['vmm', ...args], { cwd: folder, stdio });
  started.push(child);
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
