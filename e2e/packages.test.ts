import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { typeIn } from './test/command-line.ts';
import { type ActionStep, type Job, readAction, runAction } from './test/github-action.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const folder = mkdtempSync(join(tmpdir(), 'sevlab-packages-'));
/** Somebody's project: what was installed there, and nothing else. */
const project = join(folder, 'project');
const example = join(project, 'key-broker');
const installed = join(project, 'node_modules');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const { GITHUB_ACTIONS: _, ...ours } = process.env;
/** An environment in which npm finds no network. */
const offline: NodeJS.ProcessEnv = {
  ...ours,
  ...{ npm_config_offline: 'true', npm_config_registry: 'http://127.0.0.1:9', NO_COLOR: '1' },
};

function run(
  cwd: string,
  [program, ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Ran {
  const { status, stdout, stderr } = spawnSync(program!, args, {
    ...{ cwd, encoding: 'utf8', timeout: 120_000, env: { ...offline, ...env } },
  });
  return { status, stdout, stderr };
}

interface Workflow {
  readonly jobs: { readonly launch: { readonly steps: readonly ActionStep[] } };
}

const workflow = parse(read('examples/key-broker/.github/workflows/sev.yml')) as Workflow; // steps are looked at below
const { steps } = workflow.jobs.launch;
const job: Job = { workspace: example, runner: join(folder, 'runner'), paths: [] };
/** The folder of the two packages. */
let packages: string;

beforeAll(() => {
  cpSync(join(root, 'examples/key-broker'), example, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  mkdirSync(job.runner);
  const { with: inputs = {} } = steps.find(({ uses }) => uses === './sevlab') ?? {};
  packages = runAction(job, root, inputs, offline).packages!;
  const files = readdirSync(packages).map((file) => join(packages, file));
  const npm = run(project, ['npm', 'install', '--silent', '--no-audit', '--no-fund', ...files]);
  if (npm.status !== 0) throw new Error(npm.stderr);
}, 180_000);

const sevlab = (...args: string[]): Ran => run(project, [join(installed, '.bin/sevlab'), ...args]);

describe('what is packed', () => {
  it('is installed without a network, and brings no dependency', () => {
    expect(
      readdirSync(installed)
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual(['@sevlab', 'sevlab']);
    expect(readdirSync(join(installed, '@sevlab'))).toEqual(['testing']);
    for (const name of ['sevlab', '@sevlab/testing']) {
      const manifest = JSON.parse(readFileSync(join(installed, name, 'package.json'), 'utf8')) as object;
      expect(manifest).not.toHaveProperty('dependencies');
      expect(manifest).toMatchObject({ name, version: '0.1.0', license: 'Apache-2.0' });
    }
  });

  it.each(['sevlab', '@sevlab/testing'])(
    '%s has its licences, and names nothing of the workspace',
    (name) => {
      const at = join(installed, name);
      expect(readFileSync(join(at, 'LICENSE'), 'utf8')).toBe(read('LICENSE'));
      expect(readFileSync(join(at, 'NOTICE'), 'utf8')).toBe(read('NOTICE'));
      const others = readFileSync(join(at, 'THIRD-PARTY'), 'utf8');
      for (const other of name === 'sevlab'
        ? ['memfs', 'fastify', 'yaml', 'ajv', 'commander']
        : ['memfs', 'uuid'])
        expect(others).toMatch(new RegExp(`^${other} \\d`, 'm'));
      const files = readdirSync(at, { recursive: true, encoding: 'utf8' });
      expect(files.filter((file) => /(?<!\.d)\.ts$|\.test\.|vectors|node_modules/.test(file))).toEqual([]);
      for (const file of files.filter((path) => /\.([cm]?js|ts|json)$/.test(path))) {
        const text = readFileSync(join(at, file), 'utf8');
        expect(text.includes(root), file).toBe(false);
        expect(text, file).not.toMatch(/(?:from|import|require)\s*\(?\s*['"]@sevlab\//);
        expect(text, file).not.toContain('workspace:');
      }
    },
  );
});

describe('the installed command line', () => {
  it.each([
    ['demo'],
    ['capabilities', '--json'],
    ['conform', 'ACT-03', 'EFI-10'],
    ['explain', 'BAD_MEASUREMENT'],
  ])('answers %s as the checkout does', (...line) => {
    const { status, stdout } = typeIn(project, ...line);
    expect(sevlab(...line)).toEqual({ status, stdout, stderr: '' });
  });

  it('has the shipped scenarios, their schema, and the cases', () => {
    const at = join(installed, 'sevlab/packages');
    const attacks = readdirSync(join(at, 'lab/scenarios/attacks')).filter((file) => file.endsWith('.yaml'));
    expect(attacks.length).toBeGreaterThanOrEqual(26);
    const { status, stdout } = sevlab(
      'run',
      ...attacks.slice(0, 3).map((file) => join(at, 'lab/scenarios/attacks', file)),
    );
    expect([status, stdout.match(/: as expected/g)?.length]).toEqual([0, 3]);
    expect(existsSync(join(at, 'lab/scenario.schema.json'))).toBe(true);
    expect(sevlab('conform', '--export', 'suite').status).toBe(0);
    const exported = readdirSync(join(project, 'suite'), { recursive: true, encoding: 'utf8' });
    expect(exported).toEqual(expect.arrayContaining(['LICENSE', 'NOTICE']));
    expect(readFileSync(join(at, 'conformance/cases/psp/mailbox.json'), 'utf8')).toBe(
      read('packages/conformance/cases/psp/mailbox.json'),
    );
  });

  it('serves its page', async () => {
    const child = spawn(join(installed, '.bin/sevlab'), ['serve', '--port', '0'], { cwd: project });
    try {
      const address = await new Promise<string>((resolve, reject) => {
        child.stdout.once('data', (bytes) => resolve(/http:\S+/.exec(String(bytes))![0]));
        child.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
      });
      const page = await fetch(address);
      expect([page.status, page.headers.get('content-type')]).toEqual([
        200,
        expect.stringMatching('text/html'),
      ]);
      const text = await page.text();
      const parts = [...text.matchAll(/(?:src|href)="\.?\/?([\w./-]+\.(?:js|css|svg))"/g)].map(
        ([, part]) => part!,
      );
      expect(parts).toEqual(expect.arrayContaining(['page.js', 'page.css']));
      for (const part of parts) expect((await fetch(`${address}/${part}`)).status, part).toBe(200);
      const scenarios = await (await fetch(`${address}/api/scenarios`)).text();
      expect(scenarios).toContain('a13-sent-to-nobody');
    } finally {
      child.kill();
    }
  });

  it('names files of its own, not of a checkout', () => {
    const { stderr } = run(
      project,
      [join(installed, '.bin/sevlab'), 'conform', '--target', 'linux', 'EFI-03'],
      {
        XDG_CACHE_HOME: join(folder, 'empty'),
      },
    );
    const [, script] = /try sh (\S+build\.sh),/.exec(stderr) ?? [];
    expect(script).toBe(join(installed, 'sevlab/packages/real-guest/build.sh'));
    for (const part of ['guest/init.c', 'kernel/linux.config', 'build.sh'])
      expect(existsSync(join(installed, 'sevlab/packages/real-guest', part))).toBe(true);
    expect(sevlab('vmm', '--install-emulator', 'qemu', '--seed', 'a').status).toBe(0);
    const emulator = run(project, ['./qemu', '-machine', 'nonsense']);
    expect(emulator.stderr).toMatch(/^qemu-system-x86_64: unsupported machine type\n/);
  });
});

describe('the example repository', () => {
  beforeAll(() => symlinkSync(join(root, 'e2e/node_modules/vitest'), join(installed, 'vitest')));

  const vitest = (...args: string[]): Ran =>
    run(example, [process.execPath, join(installed, 'vitest/vitest.mjs'), 'run', ...args]);

  it('passes with vitest', () => {
    const { status, stdout, stderr } = vitest();
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/Tests +5 passed \(5\)/);
  });

  it('passes with node:test', () => {
    const { status, stdout } = run(example, ['npm', 'run', '--silent', 'test:node']);
    expect(stdout).toMatch(/^# pass 2$/m);
    expect(status).toBe(0);
  });

  it('passes with nothing but the globals of jest, which brings 180 packages and is not installed for this', () => {
    const config = join(example, 'globals.config.mjs');
    writeFileSync(config, "export default { test: { globals: true, include: ['test/*.jest.cjs'] } };\n");
    const { status, stdout, stderr } = vitest('--config', config);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/Tests +3 passed \(3\)/);
  });

  it('is type-checked against the declarations of the package', () => {
    const types = join(root, 'node_modules/@types');
    const tsc = [process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '--typeRoots', types];
    expect(run(example, [...tsc, '-p', '.'])).toEqual({ status: 0, stdout: '', stderr: '' });
    writeFileSync(
      join(example, 'test/misuse.ts'),
      "import { launch } from '@sevlab/testing';\nlaunch({ policy: ['NODEBUG'] });\nlaunch().inject();\nlaunch().expects({ type: 'status', stauts: 'SUCCESS' });\n",
    );
    expect(run(example, [...tsc, '-p', '.']).stdout.split('\n')).toEqual([
      expect.stringMatching(/misuse\.ts\(2,19\): error TS2820: Type '"NODEBUG"' is not assignable/),
      expect.stringMatching(
        /misuse\.ts\(3,10\): error TS2339: Property 'inject' does not exist on type 'LaunchedGuest'/,
      ),
      expect.stringMatching(/misuse\.ts\(4,36\): error TS\d+: .*'stauts'/),
      '',
    ]);
  });

  it('is launched by the action of its workflow, in each combination of the matrix', () => {
    expect(readdirSync(packages)).toEqual(['sevlab-0.1.0.tgz', 'sevlab-testing-0.1.0.tgz']);
    const junit = readFileSync(join(example, 'sevlab-reports/junit.xml'), 'utf8');
    expect(junit).toMatch(/<testsuites name="sevlab run" tests="72" failures="0" errors="0"/);
    expect(junit.match(/<testsuite /g)).toHaveLength(6);
    const ctrf = JSON.parse(readFileSync(join(example, 'sevlab-reports/ctrf.json'), 'utf8')) as object;
    expect(ctrf).toMatchObject({ results: { summary: { tests: 72, passed: 72 } } });
    const page = readFileSync(join(example, 'sevlab-reports/report.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>/i);
    expect(page).not.toContain('correct horse');
  });

  it('has a workflow of steps that were executed here', () => {
    const scripts = steps.flatMap(({ run: script }) => script ?? []);
    expect(scripts).toEqual([expect.stringMatching(/^npm install /), 'npm test', 'npm run test:node']);
    expect(scripts[0]).toMatch(/steps\.sevlab\.outputs\.packages \}\}\/\*\.tgz$/);
    expect(readAction(join(root, 'action.yml'))).toHaveProperty('outputs.packages.value');
  });
});

describe('action.yml', () => {
  it('fails when a scenario deviates', () => {
    const workspace = join(folder, 'workspace');
    mkdirSync(workspace);
    const broken = read('examples/ci/changed-packet.yaml').replace('BAD_MEASUREMENT', 'SUCCESS');
    writeFileSync(join(workspace, 'broken.yaml'), broken);
    expect(() => runAction({ ...job, workspace }, root, { scenarios: 'broken.yaml' }, offline, [1])).toThrow(
      /exit code 1\n[\s\S]*BAD_MEASUREMENT/,
    );
  });

  it('names what CI does not run', () => {
    const text = read('action.yml');
    const head = text
      .split('\n')
      .filter((line) => line.startsWith('#'))
      .join(' ');
    for (const { uses } of readAction(join(root, 'action.yml')).runs.steps)
      if (uses !== undefined) expect(head).toContain(uses.replace(/@.*/, ''));
    expect(text).not.toMatch(/secrets\./);
  });
});

describe('the Containerfile', () => {
  const lines = read('Containerfile')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line));
  const of = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

  it('makes a folder that works alone, by the one script', () => {
    expect(of('COPY')).toEqual(['. /src', '--from=packed /opt/sevlab /opt/sevlab']);
    const [script] = of('RUN');
    expect(of('RUN')).toEqual(['/src/tools/ci.sh install /opt/sevlab']);
    const first = join(folder, 'first stage');
    const opt = join(folder, 'second stage');
    const made = run(folder, [
      'sh',
      '-c',
      script!.replace('/src/', root).replace('/opt/sevlab', `'${first}'`),
    ]);
    expect(made.status, made.stderr).toBe(0);
    cpSync(first, opt, { recursive: true, verbatimSymlinks: true });
    rmSync(first, { recursive: true });
    const path = /PATH=(\S+):\$PATH/.exec(of('ENV')[0]!)![1]!.replace('/opt/sevlab', opt);
    const [entry] = JSON.parse(of('ENTRYPOINT')[0]!) as [string];
    const launch = join(root, 'examples/ci/changed-packet.yaml');
    const { status, stdout } = run(folder, [entry, 'run', launch], {
      PATH: `${path}${delimiter}${process.env.PATH}`,
    });
    expect([status, stdout]).toEqual([0, `${launch}: as expected, 7 steps\n`]);
    expect(
      run(folder, [entry, ...(JSON.parse(of('CMD')[0]!) as string[])], {
        PATH: `${path}${delimiter}${process.env.PATH}`,
      }).stdout,
    ).toMatch(/^Usage: sevlab/);
  }, 120_000);
});
