// The conformance suite and the simulator in one piece of JavaScript, with one text of the simulator changed.
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const CONTENTS = `
  export { allCases } from '@sevlab/conformance/cases';
  export { runCase } from '@sevlab/conformance/run';
  export { simTarget } from '@sevlab/conformance/targets/sim';
  export { SUPPORT } from '@sevlab/psp-sim/support';
  export { PROFILES } from '@sevlab/psp-sim/profile';`;

/** What actors and suite share. Each side has copies of its own, so that a change in one of them makes them differ. */
const SHARED = ['codec', 'sev-channel'];

/** Lets the worker get at the rows of each command. */
const INSTRUMENTS = [
  {
    file: 'packages/psp-sim/src/command.ts',
    from: 'const { buffer, transfer, preconditions } = definition;',
    to: 'const { buffer, transfer } = definition; const preconditions = [...definition.preconditions];',
  },
  {
    file: 'packages/psp-sim/src/command.ts',
    from: 'checks: preconditions.map(',
    to: 'rows: preconditions, checks: preconditions.map(',
  },
];

const sources = new Map();

function sourceOf(path) {
  if (!sources.has(path)) sources.set(path, readFileSync(path, 'utf8'));
  return sources.get(path);
}

/** The text with the change made. Throws unless `from` stands there exactly once. */
function changed(text, { file, from, to }) {
  const found = text.split(from).length - 1;
  if (found !== 1) throw new Error(`${file}: expected once, found ${found} times: ${from}`);
  return text.replace(from, () => to);
}

/** Throws unless the change can be made: its text stands in its file exactly once. */
export const expectApplicable = (change) => changed(sourceOf(join(root, change.file)), change);

/** `change`: file, from, to; or nothing. */
export async function bundleSuite(change) {
  const changes = [...INSTRUMENTS, ...(change ? [change] : [])];
  const { outputFiles } = await build({
    stdin: { contents: CONTENTS, resolveDir: join(root, 'packages/conformance'), loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
    plugins: [{ name: 'two sides', setup: (esbuild) => twoSides(esbuild, changes) }],
  });
  return outputFiles[0].text;
}

function twoSides(esbuild, changes) {
  esbuild.onResolve({ filter: /^(@sevlab\/|\.\.?\/.*\.(ts|json)$)/ }, ({ path, resolveDir, pluginData }) => {
    const [, name, file] = /^@sevlab\/([^/]+)\/(.*)$/.exec(path) ?? [];
    if (name === undefined) return onSide(resolve(resolveDir, path), pluginData?.simulator);
    const simulator = SHARED.includes(name) ? pluginData?.simulator : name !== 'conformance';
    return onSide(join(root, 'packages', name, 'src', `${file}.ts`), simulator);
  });
  esbuild.onLoad({ filter: /\.ts$/ }, ({ path, pluginData }) => {
    const own = pluginData?.simulator ? changes.filter(({ file }) => join(root, file) === path) : [];
    return {
      contents: own.reduce(changed, sourceOf(path)),
      loader: 'ts',
      resolveDir: dirname(path),
      pluginData,
    };
  });
}

const onSide = (path, simulator = false) => ({
  path,
  suffix: simulator ? '?simulator' : '',
  pluginData: { simulator },
});
