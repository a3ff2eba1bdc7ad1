// Makes the page of `sevlab serve`, dist/web: script, style, and the terminal as a script of its own.
import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = 'packages/lab-web/src';

/** What pages of ours are written for. */
const BROWSERS = ['chrome120', 'firefox121', 'safari17'];

/** Bundles the page into dist/web. Returns the files of ours that went in. */
export async function bundlePage() {
  const { build } = await import('esbuild');
  const target = join(root, 'dist/web');
  const temporary = `${target}.${process.pid}.tmp`; // renamed when complete: two processes may bundle at once
  mkdirSync(temporary, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [
      { in: `${source}/page.tsx`, out: 'page' },
      { in: `${source}/styles/page.css`, out: 'page' },
    ],
    bundle: true,
    splitting: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: BROWSERS,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    outdir: temporary,
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    metafile: true,
    logLevel: 'warning',
  });
  for (const file of ['index.html', 'favicon.svg'])
    copyFileSync(join(root, source, file), join(temporary, file));
  rmSync(target, { recursive: true, force: true });
  renameSync(temporary, target);
  return [
    ...['tools/bundle-page.mjs', `${source}/index.html`, `${source}/favicon.svg`],
    ...Object.keys(metafile.inputs).filter((file) => !file.includes('node_modules/')),
  ];
}
