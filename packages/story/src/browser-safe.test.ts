import { readdirSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { recorded, recordedText } from '../test/events.ts';
import { stepsOf } from './steps.ts';

const modules = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !/\.(test|fuzz|test-d)\.ts$/.test(file),
);

async function bundled() {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: modules.map((file) => `export * from './${file}';`).join('\n'),
      resolveDir: import.meta.dirname,
    },
    ...{ bundle: true, platform: 'browser', format: 'iife', globalName: 'story', target: 'es2023' },
    ...{ write: false, metafile: true, logLevel: 'silent' },
  });
  return { code: outputFiles[0]!.text, inputs: Object.values(metafile.inputs) };
}

test('everything bundles for a browser and imports nothing of Node', async () => {
  expect(modules).toEqual(expect.arrayContaining(['steps.ts', 'lessons/tour.ts']));
  const { inputs } = await bundled();
  const imported = inputs.flatMap(({ imports }) => imports);
  expect(imported.filter(({ path, external }) => external || /^node:/.test(path))).toEqual([]);
});

test('where there is nothing of Node, it tells a run alike', async () => {
  const { code } = await bundled();
  const whatPagesHave = { TextEncoder, TextDecoder, atob, btoa, recordedText };
  const run = `${code}; JSON.stringify(story.stepsOf(story.readTrace(recordedText).events));`;
  expect(JSON.parse(runInNewContext(run, whatPagesHave))).toEqual(stepsOf(recorded.events));
});
