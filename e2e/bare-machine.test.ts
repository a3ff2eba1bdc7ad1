import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What the check says when it runs on another Node. */
const onNode = (version: string) =>
  spawnSync(process.execPath, [
    '-e',
    `Object.defineProperty(process.versions, 'node', { value: '${version}' }); require('${root}tools/node-version.cjs')`,
  ]);

describe('an old Node', () => {
  it.each(['0.12.18', '12.22.0', '18.20.4', '20.18.3'])('%s gets one sentence', (version) => {
    const { status, stderr, stdout } = onNode(version);
    expect(stderr.toString()).toBe(
      `sevlab needs Node 20.19 or newer, and this is Node ${version}; nothing was installed.\n`,
    );
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 2, stdout: '' });
  });

  it.each(['20.19.0', '20.20.2', '22.0.0', '24.21.0'])('%s passes', (version) => {
    expect(onNode(version).status).toBe(0);
  });

  it('is noticed before anything else, by npm scripts and by sevlab alike', () => {
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts.setup).toMatch(/^node tools\/node-version\.cjs && /);
    for (const name of ['start', 'test', 'check', 'fuzz', 'docs'])
      expect(scripts[`pre${name}`]).toBe('npm run --silent setup');
    const [, , first] = readFileSync(`${root}sevlab`, 'utf8').split('\n');
    expect(first).toBe("require('./tools/node-version.cjs');");
    for (const file of ['sevlab', 'tools/node-version.cjs']) {
      expect(readFileSync(root + file, 'utf8')).not.toMatch(/=>|\bconst\b|\blet\b|`|\?\.|import\(/);
    }
  });
});

describe('sevlab', () => {
  it('works from any folder, and through a symbolic link', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sevlab link '));
    symlinkSync(`${root}sevlab`, join(folder, 'sevlab'));
    const say = (command: string) =>
      execFileSync(command, ['demo', '--quiet'], { cwd: folder, encoding: 'utf8' });
    expect(say(join(folder, 'sevlab'))).toBe(say(`${root}sevlab`));
  });

  it('is bundled anew when a case or a schema changes, not only code', () => {
    const inputs = JSON.parse(readFileSync(`${root}dist/sevlab.cjs.inputs.json`, 'utf8')) as string[];
    for (const file of [
      'packages/conformance/cases/psp/mailbox.json',
      'packages/lab/scenario.schema.json',
      'pnpm-lock.yaml',
    ]) {
      expect(inputs).toContain(file);
    }
  });

  it('names optional parts, and how to get them', () => {
    const parts = JSON.parse(execFileSync(`${root}sevlab`, ['doctor', '--json'], { encoding: 'utf8' })) as {
      name: string;
      install: string;
    }[];
    expect(parts.map(({ name }) => name)).toEqual([
      `Node ${process.versions.node}`,
      'OVMF images',
      'qemu-system-x86_64',
      'virt-qemu-sev-validate',
      'libvirt',
      'socat',
      'guest kernel',
    ]);
    for (const { install } of parts) expect(install).toMatch(/install|build\.sh/);
  });

  it('has a lockfile that names no host', () => {
    expect(readFileSync(`${root}pnpm-lock.yaml`, 'utf8')).not.toMatch(/https?:\/\/|registry\./);
  });
});

it('the totals of a run that left no report are told all the same', () => {
  const { status, stdout } = spawnSync(process.execPath, [`${root}tools/test-totals.mjs`, '/nowhere'], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '0 passed, 0 failed, 0 skipped\n' });
});
