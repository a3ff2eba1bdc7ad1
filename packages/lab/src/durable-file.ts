import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A file as it is to be. */
export interface DurableFile {
  readonly path: string;
  readonly content: Uint8Array | string;
  readonly mode: number;
}

/**
 * Puts each file in the place of what is there. After a crash at any moment each is whole: the old one or the new one.
 * Nothing is replaced unless all of them could be written. Throws the errors of node:fs.
 */
export function replaceDurably(...files: readonly DurableFile[]): void {
  withStaged(files, (staged) => {
    for (const { path, temporary } of staged) renameSync(temporary, path);
  });
}

/**
 * As replaceDurably, but a file that is there stays, also one that another process makes meanwhile: EEXIST, and then
 * none is made.
 */
export function createDurably(...files: readonly DurableFile[]): void {
  withStaged(files, (staged) => {
    const made: string[] = [];
    try {
      for (const { path, temporary } of staged) {
        linkSync(temporary, path);
        made.push(path);
      }
    } catch (error) {
      for (const path of made) rmSync(path);
      throw error;
    }
  });
}

/** Makes a folder that only its owner may enter, and those above it that are missing, and all of them lasting. */
export function makeFolderDurably(folder: string): void {
  const whole = resolve(folder);
  if (isFolder(whole)) return;
  makeFolderDurably(dirname(whole)); // level by level: mkdir's `recursive` never returns below /proc
  try {
    mkdirSync(whole, { mode: 0o700 });
  } catch (error) {
    if (!isFolder(whole)) throw error; // else another process was faster
  }
  syncFolder(dirname(whole));
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** What a file is called in a folder lasts only when the folder is synchronised too. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

interface Staged {
  readonly path: string;
  /** The content, on the disk, under another name in the same folder. */
  readonly temporary: string;
}

/** Writes all contents, then has them put in their places, then makes that last. Leaves nothing beside them. */
function withStaged(files: readonly DurableFile[], place: (staged: readonly Staged[]) => void): void {
  const staged = files.map(({ path }) => ({ path, temporary: `${path}.${process.pid}.tmp` }));
  try {
    for (const [i, { content, mode }] of files.entries()) write(staged[i]!.temporary, content, mode);
    place(staged);
  } finally {
    for (const { temporary } of staged) rmSync(temporary, { force: true });
  }
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) syncFolder(folder);
}

function write(temporary: string, content: Uint8Array | string, mode: number): void {
  rmSync(temporary, { force: true }); // of a process that had our number, and crashed
  const descriptor = openSync(temporary, 'wx', mode);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
