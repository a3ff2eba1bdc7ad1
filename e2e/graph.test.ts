import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Who may know whom. Actors meet through bytes in memory and devices, never through imports. */
const GRAPH: Readonly<Record<string, readonly string[]>> = {
  codec: [],
  ambient: ['codec'],
  machine: ['ambient', 'codec'],
  'sev-channel': ['ambient', 'codec'],
  'psp-sim': ['ambient', 'codec', 'machine', 'sev-channel'],
  'guest-owner-sim': ['ambient', 'codec', 'sev-channel'],
  'firmware-sim': ['ambient', 'codec', 'machine'],
  'vmm-sim': ['ambient', 'codec', 'machine'],
  'guest-kernel-sim': ['ambient', 'codec', 'machine'],
  story: ['codec'],
  'lab-web': ['codec', 'story'],
};
/** These put actors together, so they may know any of them, but not each other in a circle. */
const COMPOSERS = ['conformance', 'lab', 'real-guest', 'testing'];
const ACTORS = ['psp-sim', 'guest-owner-sim', 'firmware-sim', 'vmm-sim', 'guest-kernel-sim'];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const manifestOf = (name: string): Manifest =>
  JSON.parse(readFileSync(`${root}packages/${name}/package.json`, 'utf8')) as Manifest;

const ours = (names: readonly string[]): string[] =>
  names.filter((name) => name.startsWith('@sevlab/')).map((name) => name.slice('@sevlab/'.length));

/** Packages that the sources of a package name in imports, tests left out. */
function importedBy(name: string): { packages: string[]; builtins: string[] } {
  const folder = `${root}packages/${name}/src`;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.tsx?$/.test(file) && !/\.(test|fuzz|test-d)\.ts$/.test(file),
  );
  const specifiers = files.flatMap((file) =>
    [
      ...readFileSync(`${folder}/${file}`, 'utf8').matchAll(
        /(?:\bfrom|import\()\s*(?<!['.]from)'([^'.\n][^'\n]*)'/g,
      ),
    ].map(([, name_]) => name_!),
  );
  const packages = specifiers
    .filter((specifier) => !specifier.startsWith('node:'))
    .map((specifier) =>
      specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  return {
    packages: [...new Set(packages)].sort(),
    builtins: [...new Set(specifiers.filter((specifier) => specifier.startsWith('node:')))],
  };
}

const packages = readdirSync(`${root}packages`).sort();

describe('the dependency graph', () => {
  it('names every package', () => {
    expect([...Object.keys(GRAPH), ...COMPOSERS].sort()).toEqual(packages);
  });

  it.each(Object.entries(GRAPH))('%s depends on what the plan gives it', (name, expected) => {
    expect(ours(Object.keys(manifestOf(name).dependencies ?? {})).sort()).toEqual([...expected].sort());
  });

  it.each(packages)(
    '%s imports what it declares, and declares no library that it does not import',
    (name) => {
      const { dependencies = {}, peerDependencies = {} } = manifestOf(name);
      const declared = Object.keys({ ...dependencies, ...peerDependencies });
      const imported = importedBy(name).packages;
      expect(imported.filter((other) => !declared.includes(other))).toEqual([]);
      const libraries = Object.keys(dependencies).filter((other) => !other.startsWith('@sevlab/')); // a peer may be there for what is handed on
      expect(libraries.filter((library) => !imported.includes(library))).toEqual([]);
    },
  );

  it.each(ACTORS)('%s imports no other actor', (name) => {
    expect(ours(importedBy(name).packages).filter((other) => ACTORS.includes(other))).toEqual([]);
  });
});

describe.each(['codec', 'story'])('%s in a browser', (name) => {
  const folder = `${root}packages/${name}/src`;
  const modules = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !/\.(test|fuzz|test-d)\.ts$/.test(file),
  );

  it('bundles, with nothing of Node in it', async () => {
    const entry = modules.map((file) => `export * as m${modules.indexOf(file)} from './${file}';`).join('\n');
    const { outputFiles, metafile } = await build({
      stdin: { contents: entry, resolveDir: folder, loader: 'ts' },
      bundle: true,
      platform: 'browser',
      format: 'esm',
      write: false,
      metafile: true,
      logLevel: 'silent',
    });
    expect(importedBy(name).builtins).toEqual([]);
    const imports = Object.values(metafile.outputs).flatMap((output) =>
      output.imports.map(({ path }) => path),
    );
    expect(imports).toEqual([]);
    expect(outputFiles[0]!.text).not.toMatch(/\bBuffer\b|\bprocess\.|\bnew Function\b|\beval\(/);
  });
});
