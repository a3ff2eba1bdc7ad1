import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
} from '../user.ts';

const TYPE_LETTER: ReadonlyMap<number, string> = new Map([
  [S_IFDIR, 'd'],
  [S_IFLNK, 'l'],
  [S_IFREG, '-'],
  [S_IFCHR, 'c'],
  [S_IFBLK, 'b'],
  [S_IFIFO, 'p'],
  [S_IFSOCK, 's'],
]);

/** `drwxr-xr-x`: type and permissions, as ls(1) and stat(1) show them. */
export const modeText = (mode: number): string =>
  (TYPE_LETTER.get(mode & S_IFMT) ?? '?') + permissionsText(mode);

/** `rwxr-xr-x`. */
export function permissionsText(mode: number): string {
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = mode >> shift;
    const x = (bits & 1) !== 0;
    const last = (mode & special) === 0 ? (x ? 'x' : '-') : x ? letter : letter.toUpperCase();
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`;
  };
  return triple(6, S_ISUID, 's') + triple(3, S_ISGID, 's') + triple(0, S_ISVTX, 't');
}

/** What a file is, in words. */
export function typeText(mode: number, size: number): string {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return size === 0 ? 'regular empty file' : 'regular file';
    case S_IFDIR:
      return 'directory';
    case S_IFLNK:
      return 'symbolic link';
    case S_IFCHR:
      return 'character special file';
    case S_IFBLK:
      return 'block special file';
    case S_IFIFO:
      return 'fifo';
    default:
      return 'socket';
  }
}
