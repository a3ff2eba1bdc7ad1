import { utf8 } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import { readAnswers } from './first-program.ts';
import { makeInitrd } from './initrd.ts';

test('answers are whole lines of JSON; what a dying guest leaves is no answer', () => {
  const text = 'noise\n{"op":"ls","rc":0}\r\n{"op":"readall","f":[{"n":"a';
  expect(readAnswers(text)).toEqual([{ op: 'ls', rc: 0 }]);
});

test('an initrd is a cpio archive of the "newc" format', () => {
  const archive = makeInitrd([
    { path: 'dev', kind: 'folder' },
    { path: 'dev/console', kind: 'character device', major: 5, minor: 1 },
    { path: 'a', kind: 'file', content: utf8('12345'), mode: 0o755 },
  ]);
  const text = new TextDecoder('latin1').decode(archive);
  const heads = [...text.matchAll(/070701([0-9a-f]{104})/g)].map(({ index, 1: fields }) => ({
    aligned: index % 4,
    fields: fields!.match(/.{8}/g)!.map((field) => Number.parseInt(field, 16)),
  }));
  expect(heads.map(({ aligned }) => aligned)).toEqual([0, 0, 0, 0]);
  // mode, size, device numbers, length of the name with its NUL: fields 1, 6, 9, 10, 11 of the format
  expect(heads.map(({ fields }) => [1, 6, 9, 10, 11].map((i) => fields[i]))).toEqual([
    [0o040755, 0, 0, 0, 4],
    [0o020600, 0, 5, 1, 12],
    [0o100755, 5, 0, 0, 2],
    [0, 0, 0, 0, 11],
  ]);
  expect(new Set(heads.slice(0, 3).map(({ fields }) => fields[0])).size).toBe(3); // inode numbers
  expect(archive.length % 4).toBe(0);
});
