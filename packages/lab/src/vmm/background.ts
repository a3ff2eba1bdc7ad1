import { spawn } from 'node:child_process';

/** What the process in the background says to the one that started it, once clients can come. */
const READY = 'ready';

/**
 * `-daemonize`: runs these words of a command line in a process of its own, and answers its exit status should it end
 * before clients can come, 0 otherwise. What it says until then is passed on. It keeps these descriptors.
 */
export function runInBackground(words: readonly string[], descriptors: readonly number[]): Promise<number> {
  const kept = Array.from({ length: Math.max(2, ...descriptors) - 2 }, (_, i) =>
    descriptors.includes(i + 3) ? i + 3 : ('ignore' as const),
  );
  const [, program = ''] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, program, ...words], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', ...kept, 'ipc'],
  });
  child.stderr?.pipe(process.stderr, { end: false });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
    child.once('message', () => {
      child.stderr?.destroy();
      child.unref();
      resolve(0);
    });
  });
}

/** Tells whoever waits in runInBackground() that clients can come. From then on nobody reads standard error. */
export function leaveForeground(): void {
  process.send?.(READY, () => process.disconnect());
}
