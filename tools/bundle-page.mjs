// Makes the page of `sevlab serve` and the template of `sevlab run --report`.
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

/** Bundles into a folder. Returns the files of ours that went in, and what esbuild says of all that did. */
export async function bundlePage(target) {
  const { build } = await import('esbuild');
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
  const metafiles = [page.metafile, report.metafile];
  const bundled = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const inputs = [
    'tools/bundle-page.mjs',
    ...['index.html', 'report.html', 'favicon.svg'].map((file) => `${source}/${file}`),
    ...new Set(bundled.filter((file) => !file.includes('node_modules/'))),
  ];
  return { inputs, metafiles };
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
