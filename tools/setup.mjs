// Brings a checkout up to date: installs the locked dependencies with the pinned pnpm when they are missing
// or stale, and with --bundle makes dist/sevlab.cjs.
import { isAscii } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundle = join(root, 'dist/sevlab.cjs');

/** Installs unless node_modules was made from this very lockfile. */
export function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex');
  const stamp = join(root, 'node_modules/.sevlab-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;

  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const pnpm = packageManager.split('+')[0];
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const args = ['exec', '--yes', `--package=${pnpm}`, '--', 'pnpm', 'install', '--frozen-lockfile'];
  const quiet = ['--reporter=append-only', '--config.confirm-modules-purge=false'];
  // an npx around us leaves its own call and package here, which npm exec would take for ours
  const { npm_config_call: _call, npm_config_package: _package, ...environment } = process.env;
  const { status } = spawnSync(command, [...first, ...args, ...quiet], {
    cwd: root,
    stdio: ['ignore', 2, 2], // talk goes to stderr: stdout belongs to the command that the user typed
    env: { ...environment, CI: process.env.CI ?? '1' },
  });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, lock);
}

/** commander would load it at each start, for commands that are programs of their own; there is none. */
const withoutChildProcess = {
  name: 'commander without child processes',
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /commander/.test(importer) ? { path: 'nothing', namespace: 'nothing' } : undefined,
    );
    build.onLoad({ filter: /^/, namespace: 'nothing' }, () => ({ contents: '' }));
  },
};

/** How everything is bundled: one file that Node 20 runs, with all that it imports. */
export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  define: { 'import.meta.dirname': '__dirname' },
  metafile: true,
  logLevel: 'warning',
};

/**
 * The command line as one file, small and in ASCII alone, so that Node reads it fast. Licences of what went into it are in
 * THIRD-PARTY of the package.
 */
export async function bundleCommandLine(outfile) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    ...bundleOptions,
    entryPoints: ['packages/lab/src/main.ts'],
    outfile,
    minify: true,
    legalComments: 'none',
    plugins: [withoutChildProcess],
  });
  if (!isAscii(readFileSync(outfile)))
    throw new Error(`${outfile} is not ASCII; tools/run-bundle.cjs would misread it`);
  return metafile;
}

/** Bundles the CLI into one CommonJS file, and the page; notes beside it which files of ours went into either. */
export async function bundleCli() {
  const { bundlePage } = await import('./bundle-page.mjs');
  const page = await bundlePage(join(root, 'dist/web'));
  const temporary = `${bundle}.${process.pid}.tmp`; // renamed when complete: two processes may bundle at once
  mkdirSync(join(root, 'dist'), { recursive: true });
  const metafile = await bundleCommandLine(temporary);
  const inputs = Object.keys(metafile.inputs).filter((file) => !/^node_modules\/|:/.test(file));
  const ours = new Set(['pnpm-lock.yaml', 'tools/setup.mjs', ...inputs, ...page.inputs]);
  writeFileSync(`${temporary}.inputs`, JSON.stringify([...ours]));
  renameSync(`${temporary}.inputs`, `${bundle}.inputs.json`);
  renameSync(temporary, bundle);
  const words = [join(root, 'tools/run-bundle.cjs'), '--beside-hardware', 'demo'];
  spawnSync(process.execPath, words, { stdio: 'ignore' }); // leaves compiled what most commands need
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  install();
  if (process.argv.includes('--bundle')) await bundleCli();
}
