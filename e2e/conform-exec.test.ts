import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEVLAB, typeIn } from './test/command-line.ts';
import { optionalProgram } from './test/optional-program.ts';

const gccIsThere = optionalProgram('gcc', 'apt-get install --no-install-recommends gcc libc6-dev');
const pythonIsThere = optionalProgram('python3', 'apt-get install --no-install-recommends python3-minimal');

const adapters = fileURLToPath(new URL('../examples/adapters', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sevlab-exec-'));
beforeAll(() => void typeIn(folder, '--version')); // a fresh checkout installs and bundles first, and says so
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const conform = (target: string, ...words: string[]) =>
  typeIn(folder, 'conform', '--target', `exec:${target}`, ...words);

/** Compiles the parser with a change of its text. */
function compiled(name: string, wrong = '', right = ''): string {
  const source = readFileSync(join(adapters, 'secret_area.c'), 'utf8');
  expect(source).toContain(right);
  writeFileSync(join(folder, `${name}.c`), source.replace(right, wrong));
  const { status, stderr } = spawnSync(
    'gcc',
    ['-std=c99', '-Wall', '-Wextra', '-Werror', '-O1', '-o', name, `${name}.c`],
    { cwd: folder, encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return `./${name}`;
}

describe.runIf(gccIsThere)('a parser in C', () => {
  it('passes every case that it takes', () => {
    const { status, stdout } = conform(compiled('parser'));
    expect(status).toBe(0);
    expect(stdout).toMatch(/\n45 passed, 0 failed, 1104 skipped, on secret_area\.c\n$/);
    expect(stdout).toContain('not seen by it: dmesg');
  });

  it.each([
    ['takes a table longer than its area', 'table > size)', 'table > size + 65536)'],
    ['shows deleted entries', 'memcmp(p, deleted, 16) != 0', 'p != NULL || deleted[0]'],
    ['takes a name twice', 'return *err = "EEXIST", 0;', 'err = err;'],
    ['has room for one file more', 'FILES_MAX = 64', 'FILES_MAX = 65'],
    ['reads GUIDs as they lie', 'g[3], g[2], g[1],', 'g[0], g[1], g[2],'],
  ])('that %s fails', (name, right, wrong) => {
    const { status, stdout } = conform(compiled(name.replaceAll(' ', '-'), wrong, right));
    expect(status).toBe(1);
    expect(stdout).toMatch(/\n\d+ passed, [1-9]\d* failed/);
  });

  it('that crashes is told, and how to see it again', () => {
    const target = compiled('crash', 'abort();', 'return *err = "ENODEV", 0;');
    const { status, stdout } = conform(target, 'PRS-02', 'PRS-01');
    expect(status).toBe(1);
    expect(stdout).toMatch(/got {6}"it ended without an answer; it ended (by SIGABRT|with exit status 134)"/);
    expect(stdout).toContain(`again    sevlab conform --target exec:${target} PRS-02`);
    expect(stdout).toContain('1 passed, 1 failed, 0 skipped');
  });
});

describe.runIf(pythonIsThere)('an AMD-SP in Python', () => {
  const target = `python3 ${join(adapters, 'platform.py')}`;

  it('passes what needs no keys', () => {
    const { status, stdout } = conform(target, 'MBX-01', 'PLT-01', 'PLT-08', 'LSE-04', 'LSE-01');
    expect(stdout).toContain('LSE-01 skipped: command 0xa is not here');
    expect(stdout).toContain('4 passed, 0 failed, 1 skipped, on platform.py');
    expect(status).toBe(0);
  });

  it('that forgets a check fails', () => {
    const source = readFileSync(join(adapters, 'platform.py'), 'utf8');
    writeFileSync(join(folder, 'wrong.py'), source.replace(' or reserved02 or reserved04', ''));
    const { status, stdout } = conform('python3 wrong.py', 'PLT-05');
    expect(status).toBe(1);
    expect(stdout).toContain('expected {"statuses":["INVALID_CONFIG"]');
  });
});

it('the emulator behind its own protocol answers as without', () => {
  const ids = [
    'INJ-10',
    'QST-13',
    'QMP-28',
    'CHN-24',
    'SES-04',
    'MEA-23',
    'PKT-02',
    'LSE-01',
    'LSE-19',
    'LFI-01',
    'PRS-01',
    'EFI-10',
    'DEL-05',
  ];
  const { status, stdout } = conform(`${SEVLAB} conform --serve`, ...ids);
  expect(stdout).toBe('13 passed, 0 failed, 0 skipped, on sevlab, simulated\n');
  expect(status).toBe(0);
});

it.each([
  [['--target', 'exec:'], '--target exec: expected a command behind it, such as exec:./adapter'],
  [['--target', 'hardware'], '--target hardware: expected sim, linux or exec:COMMAND'],
  [['--target', 'exec:cat', '--timeout', 'soon'], '--timeout: expected a number of seconds above 0'],
  [
    ['--target', 'exec:exit 3'],
    'exit 3: it ended without an answer; it ended with exit status 3; docs/reference/exec-protocol.md says what to answer to the first line',
  ],
])('%j is refused', (words, message) => {
  const { status, stderr } = typeIn(folder, 'conform', ...words);
  expect({ status, stderr }).toEqual({ status: 2, stderr: `sevlab conform: ${message}\n` });
});
