import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEVLAB } from './test/command-line.ts';

const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';
const folder = mkdtempSync(join(tmpdir(), 'sevlab-reports-'));
afterAll(() => rmSync(folder, { recursive: true }));

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const run = (args: readonly string[], env: Record<string, string> = {}): SpawnSyncReturns<string> =>
  spawnSync(SEVLAB, ['run', ...args], {
    ...{ cwd: folder, encoding: 'utf8' },
    env: { PATH: process.env.PATH, NO_COLOR: '1', ...env },
  });

beforeAll(() => {
  writeFileSync(
    join(folder, 'good.yaml'),
    'version: 1\ntitle: good\nsteps:\n  - do: offer\n  - do: launch\n',
  );
  writeFileSync(
    join(folder, 'bad, but: 100%.yaml'),
    `version: 1\ntitle: bad\nsecrets: [{ guid: ${GUID}, text: nobody may see this }]\nsteps:\n` +
      ['offer', 'launch', 'measure', 'verify', 'seal'].map((name) => `  - do: ${name}\n`).join('') +
      '  - attack: { packet: { part: header, bit: 9 } }\n  - do: inject\n',
  );
  writeFileSync(join(folder, 'broken.yaml'), 'version: 1\ntitle: x\nsteps: [{ do: offr }]\n');
});

const FILES = ['good.yaml', 'bad, but: 100%.yaml', 'broken.yaml'];

describe('the results of a run', () => {
  it('are JUnit XML', () => {
    expect(run([...FILES, '--junit', 'junit.xml']).status).toBe(4);
    const xml = read('junit.xml');
    expect(xml).toContain('<testsuites name="sevlab run" tests="10" failures="2" errors="0"');
    expect(xml).toContain('<testsuite name="bad, but: 100%.yaml" tests="7" failures="1"');
    expect(xml).toMatch(
      /name="7\. inject"[^>]*>\s*<failure message="[^"]*expected SUCCESS, got BAD_MEASUREMENT"/,
    );
    expect(xml).toMatch(/<failure message="broken\.yaml:3:11: steps\[0\]\.do: /);
  });

  it('are CTRF JSON', () => {
    run([...FILES, '--ctrf', 'ctrf.json']);
    const { results } = JSON.parse(read('ctrf.json'));
    expect(results.summary).toMatchObject({ tests: 10, passed: 8, failed: 2, skipped: 0, suites: 3 });
    expect(results.tests.at(-1)).toMatchObject({ status: 'failed', suite: ['broken.yaml'] });
  });

  it('are annotations and a summary where GitHub runs it', () => {
    const { stderr } = run(FILES, {
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
    });
    expect(stderr).toMatch(
      /^::error file=bad%2C but%3A 100%25\.yaml,line=11,col=5,title=.*got BAD_MEASUREMENT::LAUNCH_SECRET answered.*%0Areproduce with/m,
    );
    expect(stderr).toMatch(/^::error title=broken\.yaml%3A3%3A11%3A steps\[0\]\.do/m);
    const summary = read('summary.md');
    expect(summary).toContain('8 passed, 2 failed, 0 skipped; simulated by sevlab');
    expect(summary).toContain('| good.yaml | 2 | as expected |');
    expect(summary).toContain('| bad, but: 100%.yaml | 7 | **deviates** |');
    expect(summary).toMatch(/```\n.*got BAD_MEASUREMENT\nLAUNCH_SECRET answered[\s\S]*?\n```/);
  });

  it('are no annotations elsewhere, and hold no secret', () => {
    const args = [...FILES, '--junit', 'junit.xml', '--ctrf', 'ctrf.json'];
    const { stdout, stderr } = run(args);
    expect(stderr).not.toContain('::error');
    for (const text of [stdout, stderr, read('junit.xml'), read('ctrf.json')])
      expect(text).not.toContain('nobody may see');
  });
});
