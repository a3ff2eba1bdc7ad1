// `node tools/pack.mjs FOLDER` packs what other repositories install: sevlab, the command line with all that it reads,
// and @sevlab/testing, the library. Neither has a dependency to install. Prints the files that it wrote.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundlePage } from './bundle-page.mjs';
import { bundleTypes } from './bundle-types.mjs';
import { bundleCommandLine, bundleOptions } from './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(join(root, path), 'utf8');

/** What the command line reads at run time, at the places of the checkout; bundles are made beside it. */
const FILES = [
  'sevlab',
  'tools/launch.cjs',
  'tools/run-bundle.cjs',
  'tools/node-version.cjs',
  'packages/lab/scenarios',
  'packages/lab/scenario.schema.json',
  'packages/conformance/cases',
  'packages/conformance/case.schema.json',
  'packages/conformance/cases.schema.json',
  'packages/real-guest/build.sh',
  'packages/real-guest/guest',
  'packages/real-guest/kernel',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'NOTICE',
];

/** Entry points of the library: each by require and by import, with types. */
const TESTING = 'packages/testing';
const ENTRIES = ['index', 'matchers', 'arbitraries'];

const { name, version, description, license, engines } = JSON.parse(read('package.json'));

/** sevlab: the checkout without its sources. */
async function stageCommandLine(stage) {
  for (const path of FILES) cpSync(join(root, path), join(stage, path), { recursive: true });
  const metafile = await bundleCommandLine(join(stage, 'dist/sevlab.cjs'));
  const page = await bundlePage(join(stage, 'dist/web'));
  write(stage, 'THIRD-PARTY', thirdParty([metafile, ...page.metafiles]));
  writeManifest(stage, { name, version, description, license, engines, bin: { sevlab: 'sevlab' } });
}

/** @sevlab/testing: one file for each entry point and module system, and the types that they are declared with. */
async function stageLibrary(stage) {
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(read(`${TESTING}/package.json`));
  const bundle = (entries, options) =>
    build({
      ...bundleOptions,
      entryPoints: entries.map((entry) => `${TESTING}/src/${entry}.ts`),
      outdir: stage,
      external: Object.keys(peerDependencies),
      ...options,
    });
  const requireInModules = `import { createRequire as $require } from 'node:module'; const require = $require(import.meta.url);`;
  const built = [
    await bundle(ENTRIES, { outExtension: { '.js': '.cjs' } }),
    await bundle([...ENTRIES, 'vitest'], {
      ...{ format: 'esm', outExtension: { '.js': '.mjs' }, define: {} },
      banner: { js: requireInModules },
    }),
  ];
  bundleTypes({ root, entries: [...ENTRIES, 'vitest'].map((entry) => `testing/src/${entry}.ts`), stage });
  write(stage, 'THIRD-PARTY', thirdParty(built.map(({ metafile }) => metafile)));
  for (const path of ['LICENSE', 'NOTICE']) cpSync(join(root, path), join(stage, path));
  cpSync(join(root, TESTING, 'README.md'), join(stage, 'README.md'));
  const exportsOf = (entry, formats) => [
    entry === 'index' ? '.' : `./${entry}`,
    { types: `./types/testing/src/${entry}.d.ts`, ...formats },
  ];
  writeManifest(stage, {
    ...{ name: '@sevlab/testing', version, license, engines },
    description: 'sevlab in tests: launches in the process of vitest, jest or node:test',
    main: './index.cjs',
    types: './types/testing/src/index.d.ts',
    exports: Object.fromEntries([
      ...ENTRIES.map((entry) => exportsOf(entry, { require: `./${entry}.cjs`, default: `./${entry}.mjs` })),
      exportsOf('vitest', { default: './vitest.mjs' }),
    ]),
    peerDependencies,
    peerDependenciesMeta,
  });
}

/** The licences of what other people wrote and a bundle contains. */
function thirdParty(metafiles) {
  const folders = new Set(
    metafiles
      .flatMap(({ inputs }) => Object.keys(inputs))
      .map((file) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1])
      .filter((folder) => folder !== undefined),
  );
  const sections = [...folders].map((folder) => {
    const manifest = JSON.parse(read(`${folder}/package.json`));
    const file = readdirSync(join(root, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const head = `${manifest.name} ${manifest.version} (${manifest.license})`;
    const by = manifest.author?.name ?? manifest.author;
    return `${head}\n\n${file === undefined ? `By ${by}; the package has no file with its licence.` : read(`${folder}/${file}`).trim()}\n`;
  });
  return `Code of these packages is in the bundles, under their licences.\n\n${sections.sort().join(`\n${'-'.repeat(80)}\n\n`)}`;
}

function write(stage, path, text) {
  mkdirSync(dirname(join(stage, path)), { recursive: true });
  writeFileSync(join(stage, path), text);
}

const writeManifest = (stage, manifest) =>
  write(stage, 'package.json', `${JSON.stringify(manifest, null, 2)}\n`);

/** Packs a folder by npm into another. Gives the name of the file. */
function packFolder(stage, folder) {
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? [process.execPath, process.env.npm_execpath]
    : ['npm'];
  const { stdout, stderr, status } = spawnSync(
    npm[0],
    [...npm.slice(1), 'pack', '--silent', '--pack-destination', folder],
    {
      cwd: stage,
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`npm pack: ${stderr}`);
  return stdout.trim();
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write('usage: node tools/pack.mjs FOLDER\n');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
for (const stage of [stageCommandLine, stageLibrary]) {
  const place = mkdtempSync(join(tmpdir(), 'sevlab-pack-'));
  try {
    await stage(place);
    process.stdout.write(`${join(folder, packFolder(place, resolve(folder)))}\n`);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
