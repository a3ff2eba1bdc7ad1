// Makes the page of `sevlab serve` and the template of `sevlab run --report`, both in dist/web.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = 'packages/lab-web/src';

/** Both pages are made so. */
const OPTIONS = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: 'browser',
  target: ['chrome120', 'firefox121', 'safari17'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  metafile: true,
  logLevel: 'warning',
};

/** Bundles into dist/web. Returns the files of ours that went in. */
export async function bundlePage() {
  const { build } = await import('esbuild');
  const target = join(root, 'dist/web');
  const temporary = `${target}.${process.pid}.tmp`; // renamed when complete: two processes may bundle at once
  mkdirSync(temporary, { recursive: true });
  const page = await build({
    ...OPTIONS,
    entryPoints: [
      { in: `${source}/page.tsx`, out: 'page' },
      { in: `${source}/styles/page.css`, out: 'page' },
    ],
    format: 'esm',
    splitting: true, // the terminal is a script of its own, loaded when one opens
    outdir: temporary,
    chunkNames: '[name]-[hash]',
  });
  const report = await build({
    ...OPTIONS,
    entryPoints: [`${source}/report.tsx`],
    format: 'iife',
    write: false,
  });
  const style = readFileSync(join(temporary, 'page.css'), 'utf8');
  writeFileSync(join(temporary, 'report.html'), reportTemplate(report.outputFiles[0].text, style));
  for (const file of ['index.html', 'favicon.svg'])
    copyFileSync(join(root, source, file), join(temporary, file));
  rmSync(target, { recursive: true, force: true });
  renameSync(temporary, target);
  const inputs = [page, report].flatMap(({ metafile }) => Object.keys(metafile.inputs));
  return [
    'tools/bundle-page.mjs',
    ...['index.html', 'report.html', 'favicon.svg'].map((file) => `${source}/${file}`),
    ...new Set(inputs.filter((file) => !file.includes('node_modules/'))),
  ];
}

/** report.html with script and style in it; its policy allows these two by their hashes, and nothing else. */
function reportTemplate(script, style) {
  const inlined = script.replaceAll('</script', '<\\/script');
  const parts = {
    SCRIPT_HASH: createHash('sha256').update(inlined).digest('base64'),
    STYLE_HASH: createHash('sha256').update(style).digest('base64'),
    '/* STYLE */': style,
    '/* SCRIPT */': inlined,
  };
  return readFileSync(join(root, source, 'report.html'), 'utf8').replace(
    /SCRIPT_HASH|STYLE_HASH|\/\* (?:STYLE|SCRIPT) \*\//g,
    (name) => parts[name],
  );
}
