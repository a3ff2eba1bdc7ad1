import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const SEVLAB: string = fileURLToPath(new URL('../../sevlab', import.meta.url));

/** Types a command line of sevlab in this folder. */
export function typeIn(folder: string, ...line: string[]) {
  const { status, stdout, stderr } = spawnSync(SEVLAB, line, { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
}
