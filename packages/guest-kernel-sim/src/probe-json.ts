import { createHash } from 'node:crypto';
import { toHex } from '@sevlab/codec/bytes';
import type { Stat } from './syscalls.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './user.ts';

/** Contents up to this many bytes are given in full, longer ones by their SHA-256. */
const HEX_MAX = 4096;
/** Runs of memory up to this many bytes are given in full. */
export const RUN_MAX = 8192;
/** A run of memory ends before this many zero bytes. */
const GAP = 16;

/** Values that JSON has. */
export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

/** What lstat(2) says of the file called `n`; the mode in octal digits. */
export const statJson = (n: string, { mode, uid, gid, size, nlink }: Stat): Json => ({
  n,
  t: TYPE_LETTER[mode & S_IFMT] ?? '?',
  mode: (mode & 0o7777).toString(8).padStart(4, '0'),
  uid,
  gid,
  size,
  nlink,
});

const TYPE_LETTER: Readonly<Record<number, string>> = { [S_IFDIR]: 'd', [S_IFREG]: '-', [S_IFLNK]: 'l' };

/** A file's content, in hexadecimal or as its SHA-256. */
export const contentJson = (bytes: Uint8Array): Record<string, Json> => ({
  len: bytes.length,
  ...(bytes.length <= HEX_MAX
    ? { hex: toHex(bytes) }
    : { sha256: createHash('sha256').update(bytes).digest('hex') }),
});

/** What read(2) answered. */
export const readJson = (bytes: Uint8Array): Record<string, Json> => ({
  rc: bytes.length,
  ...contentJson(bytes),
});

/** Offset and bytes of each run. It starts and ends with a byte that is not zero; fewer than GAP zeros do not end it. */
export function nonZeroRuns(bytes: Uint8Array): Json {
  const runs: Json[] = [];
  for (let start = 0; start < bytes.length; ) {
    if (bytes[start] === 0) {
      start++;
      continue;
    }
    let end = start;
    for (let at = start; at < bytes.length && at - end < GAP; at++) if (bytes[at] !== 0) end = at + 1;
    const run = bytes.subarray(start, end);
    runs.push([start, run.length <= RUN_MAX ? toHex(run) : { bytes: run.length }]);
    start = end;
  }
  return runs;
}
