import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { shellWord } from './shell-word.ts';

/** What this program belongs to: a checkout, or an installed package, in which things lie where a checkout has them. */
export const ROOT_FOLDER: string = findRoot(import.meta.dirname);

/** The built page of `sevlab serve`, and the template of `sevlab run --report`. */
export const WEB_FOLDER: string = join(ROOT_FOLDER, 'dist/web');

/** What `sevlab boot` boots by itself is made from what lies here. */
export const REAL_GUEST_FOLDER: string = join(ROOT_FOLDER, 'packages/real-guest');

/** The command that makes it, from any folder. */
export const BUILD_GUEST: string = `sh ${shellWord(join(REAL_GUEST_FOLDER, 'build.sh'))}`;

/** The nearest folder above whose manifest is that of sevlab. */
function findRoot(folder: string): string {
  const manifest = join(folder, 'package.json');
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'sevlab') return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('sevlab does not find the folder that it was installed in');
  return findRoot(parent);
}
