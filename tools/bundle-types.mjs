// The declarations of entry points and of all that they name, for a package of their own: what tsc writes for each source
// file, with imports between packages of the workspace made relative.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';

/** Writes STAGE/types/PACKAGE/src/FILE.d.ts; `entries` are files below ROOT/packages. Throws for a name that leads nowhere. */
export function bundleTypes({ root, entries, stage }) {
  const emitted = mkdtempSync(join(tmpdir(), 'sevlab-types-'));
  try {
    const complaints = emit(root, emitted);
    const packages = join(emitted, 'packages');
    const files = entries.map((entry) => join(packages, entry.replace(/\.ts$/, '.d.ts')));
    for (const file of files) {
      const text = readFileSync(file, 'utf8').replace(SPECIFIER, (whole, before, specifier) => {
        const target = declarationOf(packages, file, specifier);
        if (target === undefined) return whole;
        if (!files.includes(target)) files.push(target);
        const path = relative(dirname(file), target).replace(/\.d\.ts$/, '.js');
        return `${before}'${path.startsWith('.') ? path : `./${path}`}'`;
      });
      const place = join(stage, 'types', relative(packages, file));
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, text);
    }
    const sources = files.map((file) => relative(emitted, file).replace(/\.d\.ts$/, '.ts('));
    const ours = complaints.filter((line) => sources.some((source) => line.startsWith(source)));
    if (ours.length > 0) throw new Error(`tsc cannot declare what the package exports:\n${ours.join('\n')}`);
  } finally {
    rmSync(emitted, { recursive: true, force: true });
  }
}

const SPECIFIER = /(\bfrom\s+|\bimport\s*\(?\s*)['"]([^'"]+)['"]/g;

/** Where the declarations of a specifier are; undefined for a package of others. */
function declarationOf(packages, file, specifier) {
  const [, name, path] = /^@sevlab\/([^/]+)\/(.+)$/.exec(specifier) ?? [];
  if (name === undefined && !specifier.startsWith('.')) return undefined;
  const source =
    name === undefined ? resolve(dirname(file), specifier) : join(packages, name, 'src', `${path}.ts`);
  const target = source.replace(/\.[tj]s$/, '.d.ts');
  if (!existsSync(target)) throw new Error(`${file}: ${specifier} has no declarations`);
  return target;
}

/** Has tsc write the declarations of every package. Gives its complaints: not all of what is inside can be declared. */
function emit(root, folder) {
  const config = join(folder, 'tsconfig.json');
  const compilerOptions = {
    ...{ noEmit: false, declaration: true, emitDeclarationOnly: true, stripInternal: true },
    ...{ rootDir: root, outDir: folder, typeRoots: [join(root, 'node_modules/@types')] },
  };
  const include = [join(root, 'packages/*/src')]; // what is reached through node_modules alone is not written
  writeFileSync(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', config], { cwd: root, encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.startsWith('packages/'));
}
