import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMMAND_ID } from '@sevlab/codec/sev/command';
import { SEV_STATUS } from '@sevlab/codec/sev/status';
import { EXIT } from '@sevlab/lab/commands/exit';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { optionalProgram } from './test/optional-program.ts';
import { realKernelIsThere } from './test/real-kernel.ts';

const socatIsThere = optionalProgram('socat', 'apt-get install --no-install-recommends socat');

const gccIsThere = optionalProgram('gcc', 'apt-get install --no-install-recommends gcc libc6-dev');

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`);

const documents: readonly string[] = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...['docs', 'examples'].flatMap(filesBelow).filter((file) => file.endsWith('.md')),
  'packages/testing/README.md',
];
const sources: readonly string[] = readdirSync(join(root, 'packages'))
  .map((name) => `packages/${name}/src`)
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap(filesBelow)
  .filter((file) => file.endsWith('.ts'));

interface Block {
  readonly language: string;
  readonly body: string;
  readonly line: number;
  /** What stands in front of the block. */
  readonly before: string;
}

const blocksOf = (text: string): Block[] =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ 1: language, 2: body, index }) => ({
    language: language!,
    body: body!,
    line: text.slice(0, index).split('\n').length,
    before: text.slice(0, index).trimEnd(),
  }));

interface Exchange {
  readonly command: string;
  readonly expected: readonly string[];
}

/** `$ command`, goes on behind a backslash; then what it prints, in which a line `…` is any lines. */
function exchangesOf(body: string): Exchange[] {
  const exchanges: { command: string; expected: string[] }[] = [];
  let continues = false;
  for (const line of body.trimEnd().split('\n')) {
    const last = exchanges.at(-1);
    if (continues && last) last.command += `\n${line}`;
    else if (line.startsWith('$ ')) exchanges.push({ command: line.slice(2), expected: [] });
    else if (last) last.expected.push(line);
    else throw new Error(`a console block starts with '${line}'; expected a line '$ COMMAND'`);
    continues = line.endsWith('\\');
  }
  return exchanges;
}

const SEPARATOR = '\u001e';

/** Types the commands into one shell. Gives what each printed, standard output and error together. */
function type(folder: string, exchanges: readonly Exchange[]): string[] {
  const script = exchanges
    .map(({ command }) => `${command}\ncode=$?; printf '${SEPARATOR}'; (exit $code)`)
    .join('\n');
  const { stdout } = spawnSync('bash', ['-c', `exec 2>&1\n${script}`], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });
  return stdout.split(SEPARATOR).slice(0, -1);
}

/** An expectation that is easy to compare: a line `…` becomes the lines, and a last word `…` the rest of the line. */
function fillGaps(expected: readonly string[], actual: readonly string[]): string[] {
  const gap = expected.indexOf('…');
  const inLine = (want: string, got: string | undefined): string =>
    want.endsWith(' …') && got?.startsWith(want.slice(0, -1)) ? got : want;
  if (gap === -1) return expected.map((want, i) => inLine(want, actual[i]));
  const behind = expected.slice(gap + 1);
  const head = expected.slice(0, gap).map((want, i) => inLine(want, actual[i]));
  for (let end = gap; end <= actual.length; end++) {
    const tail = fillGaps(behind, actual.slice(end));
    if (tail.join('\n') === actual.slice(end).join('\n'))
      return [...head, ...actual.slice(gap, end), ...tail];
  }
  return [...expected];
}

const OPTIONAL: Readonly<Record<string, boolean>> = {
  'a real kernel': realKernelIsThere,
  socat: socatIsThere,
  gcc: gccIsThere,
};

/** Whether the optional part that is named in front of a block is there. */
function hasWhatItNeeds(before: string): boolean {
  const named = /<!-- needs (.*) -->$/.exec(before)?.[1];
  if (named === undefined) return true;
  if (!Object.hasOwn(OPTIONAL, named)) throw new Error(`'${named}' is no optional part`);
  return OPTIONAL[named]!;
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

describe.each(documents.filter((document) => /^```(console|ts)$/m.test(read(document))))(
  'the examples of %s',
  (document) => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'sevlab-docs-'));
      writeFileSync(join(folder, 'sevlab'), `#!/bin/sh\nexec '${root}sevlab' "$@"\n`);
      chmodSync(join(folder, 'sevlab'), 0o755);
      for (const name of ['packages', 'examples', 'tools']) symlinkSync(join(root, name), join(folder, name));
      spawnSync(join(folder, 'sevlab'), ['--version']); // installs and bundles when that is due, and says so
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    for (const { language, body, line, before } of blocksOf(read(document))) {
      const file = /`([\w.-]+)`:$/.exec(before)?.[1];
      if (language === 'yaml' && file !== undefined) {
        it(`line ${line}: ${file} is written`, () => writeFileSync(join(folder, file), body));
      }
      if (language === 'console') {
        it.runIf(hasWhatItNeeds(before))(`line ${line}: what is typed prints what is shown`, () => {
          const exchanges = exchangesOf(body);
          const printed = type(folder, exchanges);
          expect(printed).toHaveLength(exchanges.length);
          for (const [i, { command, expected }] of exchanges.entries()) {
            const actual = linesOf(printed[i]!);
            expect(`$ ${command}\n${actual.join('\n')}`).toBe(
              `$ ${command}\n${fillGaps(expected, actual).join('\n')}`,
            );
          }
        });
      }
      if (language === 'ts') {
        it(`line ${line}: the program prints what its arrows say`, async () => {
          const program = join(folder, `line-${line}.cjs`);
          await build({
            stdin: { contents: body, loader: 'ts', resolveDir: join(root, 'e2e') },
            bundle: true,
            platform: 'node',
            format: 'cjs',
            outfile: program,
            logLevel: 'silent',
          });
          const { stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
          const arrows = [...body.matchAll(/\/\/ → (.*)$/gm)].map(([, value]) => value);
          expect(arrows.length).toBeGreaterThan(0);
          expect(stderr).toBe('');
          expect(linesOf(stdout)).toEqual(arrows);
        });
      }
    }
  },
);

describe('generated pages', () => {
  it('are fresh', () => {
    const { stderr, status } = spawnSync(process.execPath, ['tools/docs.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('have every status, and no other', () => {
    const rows = read('docs/reference/statuses.md').matchAll(/^\| (0x[0-9a-f]{2}) \| (\w+) \| ([^|]*) \|/gm);
    expect([...rows].map(([, code, name, sentence]) => [name, Number(code), sentence])).toEqual(
      Object.entries(SEV_STATUS).map(([name, { code, sentence }]) => [name, code, sentence]),
    );
  });

  it('have every command, and no other', () => {
    const sections = read('docs/reference/commands.md').matchAll(/^## (\w+)\n\nId (0x[0-9a-f]{3})\./gm);
    expect(Object.fromEntries([...sections].map(([, name, id]) => [name, Number(id)]))).toEqual(COMMAND_ID);
  });

  it('have every marked remark of the code, and no other', () => {
    const marked = sources
      .filter((file) => !/\.(test|fuzz|test-d)\.ts$/.test(file))
      .flatMap((file) =>
        (read(file).match(/\b(DEVIATION|NOT MODELLED|VERSION): (?!string\b)/g) ?? []).map(() => file),
      );
    const listed = [...read('docs/reference/deviations.md').matchAll(/^- \[([^\]]+)\]\([^)]+\): \S/gm)];
    expect(listed.map(([, file]) => file).sort()).toEqual(marked.sort());
  });
});

describe('the README', () => {
  const readme = read('README.md');

  it('mentions every command of sevlab', () => {
    const { stdout } = spawnSync(process.execPath, ['sevlab', '--help'], { cwd: root, encoding: 'utf8' });
    const names = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}(\w+)/gm)].map(
      ([, name]) => name!,
    );
    expect(names).toContain('demo');
    const missing = names.filter(
      (name) => name !== 'help' && !new RegExp(`(\`|sevlab )${name}\\b`).test(readme),
    );
    expect(missing).toEqual([]);
  });

  it('has every exit code, and no other', () => {
    const rows = [...readme.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code));
    expect(rows).toEqual(Object.values(EXIT));
  });

  it('explains the abbreviations that it uses', () => {
    const words = [...readme.slice(readme.indexOf('## Words')).matchAll(/^\| ([^|]+) \| /gm)].map(
      ([, word]) => word,
    );
    expect(words).toEqual(
      expect.arrayContaining(['AMD-SP', 'ASID', 'GODH', 'GPA', 'PDH', 'TEK', 'TIK', 'VEK', 'sPA']),
    );
  });
});

/** The anchors that GitHub gives to the headings of a document. */
const anchorsOf = (text: string): string[] =>
  [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe.each(documents)('%s', (document) => {
  const text = read(document);

  it('links to what exists', () => {
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
    const dead = targets.filter((target) => {
      if (/^https?:/.test(target)) return false;
      const [path, anchor] = target.split('#') as [string, string?];
      const file = path === '' ? join(root, document) : resolve(root, dirname(document), path);
      return (
        !existsSync(file) || (anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).includes(anchor))
      );
    });
    expect(dead).toEqual([]);
  });

  it('names scripts that npm has', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = [...text.matchAll(/\bnpm (?:run (?:--\w+ )?(\w+)|(start|test)\b)/g)].map(
      ([, a, b]) => a ?? b,
    );
    expect(named.filter((name) => !Object.hasOwn(scripts, name!))).toEqual([]);
  });

  it('names no folder of one machine and no ticket', () => {
    const paths = [...text.matchAll(/(?<=^|[\s`'"(])\/([a-z]+)\//gm)].map(([, top]) => top);
    const allowed = ['sys', 'dev', 'proc', 'usr', 'api']; // the last is below what `sevlab serve` answers
    expect(paths.filter((top) => !allowed.includes(top!))).toEqual([]);
    expect(text).not.toMatch(/(^|[\s(])#\d+\b/m);
  });
});

it('documents that the code names exist', () => {
  const named = sources.flatMap((file) => read(file).match(/\bdocs\/[\w./-]+\.md\b/g) ?? []);
  expect(named).toContain('docs/adr/0004-the-image-decides.md');
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it('the licence is Apache-2.0, in every package too', () => {
  expect(read('LICENSE')).toMatch(/^\s+Apache License\n\s+Version 2\.0, January 2004\n/);
  const manifests = readdirSync(join(root, 'packages'))
    .map((name) => `packages/${name}/package.json`)
    .filter((path) => existsSync(join(root, path)));
  expect(manifests.filter((path) => JSON.parse(read(path)).license !== 'Apache-2.0')).toEqual([]);
});
