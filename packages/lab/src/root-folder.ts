import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The checkout that this program belongs to: the nearest folder above the entry file with a pnpm workspace. */
export const ROOT_FOLDER: string = findRoot(dirname(realpathSync(process.argv[1] ?? '.')));

/** The built page of `sevlab serve`, and the template of `sevlab run --report`. */
export const WEB_FOLDER: string = join(ROOT_FOLDER, 'dist/web');

/** What `sevlab boot` boots by itself is made from what lies here. */
export const REAL_GUEST_FOLDER: string = join(ROOT_FOLDER, 'packages/real-guest');

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'pnpm-workspace.yaml'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('sevlab does not find its own checkout');
  return findRoot(parent);
}
