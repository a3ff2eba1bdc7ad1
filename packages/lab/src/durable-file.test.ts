import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDurably, makeFolderDurably, replaceDurably } from './durable-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sevlab-durable-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string, mode = 0o600) => ({ path: join(folder, name), content, mode });
/** Every file in the folder, with its content. */
const files = () =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

describe('createDurably', () => {
  test('makes files with their modes, and nothing beside them', () => {
    createDurably(file('a', '1'), file('b', '2', 0o400));
    expect(files()).toEqual({ a: '1', b: '2' });
    expect(['a', 'b'].map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o600, 0o400]);
  });

  test('makes none when one is there, and leaves that one alone', () => {
    writeFileSync(join(folder, 'b'), 'precious');
    expect(() => createDurably(file('a', '1'), file('b', '2'), file('c', '3'))).toThrow(/EEXIST/);
    expect(files()).toEqual({ b: 'precious' });
  });
});

describe('replaceDurably', () => {
  test('puts files in the place of others, with the new mode', () => {
    writeFileSync(join(folder, 'a'), 'much longer than the new content', { mode: 0o644 });
    replaceDurably(file('a', '1'), file('b', '2'));
    expect(files()).toEqual({ a: '1', b: '2' });
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
  });

  test('replaces none when one cannot be written', () => {
    writeFileSync(join(folder, 'a'), 'old');
    expect(() => replaceDurably(file('a', '1'), file('nowhere/b', '2'))).toThrow(/ENOENT/);
    expect(files()).toEqual({ a: 'old' });
  });

  test('is not in the way of itself: what a crash of the same process number left is overwritten', () => {
    writeFileSync(join(folder, `a.${process.pid}.tmp`), 'half');
    replaceDurably(file('a', '1'));
    expect(files()).toEqual({ a: '1' });
  });
});

test('makeFolderDurably makes private folders, and leaves those that are there', () => {
  mkdirSync(join(folder, 'there'), { mode: 0o755 });
  makeFolderDurably(join(folder, 'there/x/y'));
  makeFolderDurably(join(folder, 'there/x/y'));
  const modes = ['there', 'there/x', 'there/x/y'].map((name) => statSync(join(folder, name)).mode & 0o777);
  expect(modes).toEqual([0o755, 0o700, 0o700]);
});

test('makeFolderDurably throws where no folder can be made', () => {
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
  const names = ['file', 'file/x', 'dangling', 'dangling/x'].map((name) => join(folder, name));
  for (const name of [...names, '/proc/x/y']) expect(() => makeFolderDurably(name)).toThrow(/^E[A-Z]+: /);
  expect(readdirSync(folder).sort()).toEqual(['dangling', 'file']);
});
