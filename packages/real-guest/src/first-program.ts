import { readFileSync } from 'node:fs';
import { utf8 } from '@sevlab/codec/bytes';
import type { GuestParts } from './guest-parts.ts';
import { type InitrdFile, makeInitrd } from './initrd.ts';

/** What the guest's first program answered to one operation; init.c tells which keys there are. */
export type GuestAnswer = { readonly op: string } & { readonly [key: string]: unknown };

/** An initrd whose first program performs these operations, one a line. Throws the errors of node:fs. */
export const initrdFor = (
  parts: GuestParts,
  operations: readonly string[],
  files: readonly InitrdFile[] = [],
): Uint8Array =>
  makeInitrd([
    ...['dev', 'modules', 'proc', 'sys', 'tmp'].map((path) => ({ path, kind: 'folder' }) as const),
    { path: 'dev/console', kind: 'character device', major: 5, minor: 1 },
    { path: 'init', kind: 'file', content: readFileSync(parts.init), mode: 0o755 },
    {
      path: 'modules/platform:efi_secret',
      kind: 'file',
      content: readFileSync(parts.module),
      mode: 0o644,
    },
    {
      path: 'script',
      kind: 'file',
      content: utf8(operations.map((line) => `${line}\n`).join('')),
      mode: 0o644,
    },
    ...files,
  ]);

/** The answers in what came over the second serial port. A line that is cut off, because the guest died, is left out. */
export function readAnswers(text: string): GuestAnswer[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.trimEnd().endsWith('}'))
    .map((line) => JSON.parse(line));
}
