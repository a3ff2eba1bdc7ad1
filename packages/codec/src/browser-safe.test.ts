import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, transform } from 'esbuild';
import { expect, test } from 'vitest';

const modules = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !/\.(test|fuzz|test-d)\.ts$/.test(file),
);

test('the modules were found', () => {
  expect(modules).toContain('layout.ts');
  expect(modules).toContain(join('efi', 'secret-table.ts'));
});

test.each(modules)('%s bundles for a browser and names nothing of Node', async (file) => {
  const path = join(import.meta.dirname, file);
  const { outputFiles, metafile } = await build({
    ...{ entryPoints: [path], bundle: true, platform: 'browser', format: 'esm', target: 'es2023' },
    ...{ write: false, metafile: true, logLevel: 'silent' },
  });
  expect(outputFiles).toHaveLength(1);
  const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
  expect(imported.filter(({ path: target, external }) => external || /^node:/.test(target))).toEqual([]);

  const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'ts' }); // leaves the comments out
  expect(code).not.toMatch(/\b(Buffer|process|require|__dirname|globalThis|eval|Function)\b/);
});
