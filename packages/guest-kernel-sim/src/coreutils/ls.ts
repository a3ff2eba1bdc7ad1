import type { Stat, Syscalls } from '../syscalls.ts';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../user.ts';
import { type Command, errnoOf, isResult, parseArguments, strerror } from './command.ts';

/** A file is "recent" for less than half a Gregorian year of 31,556,952 seconds; in nanoseconds. */
const HALF_YEAR = 15_778_476n * 1_000_000_000n;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

interface Listed {
  readonly name: string;
  readonly stat: Stat;
  /** Of a symbolic link. */
  readonly target?: string;
}

/** ls(1), coreutils 9.1, not on a terminal, LC_ALL=C, TZ=UTC: -a, -l, -U, -d, -1. */
export const ls: Command = ({ kernel, sys, args }) => {
  const parsed = parseArguments('ls', args, 'alUd1', 2);
  if (isResult(parsed)) return parsed;
  const { options } = parsed;
  const operands = parsed.operands.length > 0 ? [...parsed.operands] : ['.'];
  if (!options.has('U')) operands.sort(byName);
  const now = kernel.observer.clock.now;
  const format = (entries: readonly Listed[]): string =>
    options.has('l') ? longLines(entries, now) : entries.map(({ name }) => `${name}\n`).join('');

  let errors = '';
  const files: Listed[] = [];
  const directories: string[] = [];
  for (const path of operands) {
    const error = errnoOf(() => {
      const stat = sys.stat(path);
      if ((stat.mode & S_IFMT) === S_IFDIR && !options.has('d')) directories.push(path);
      else files.push(listed(sys, path, path));
    });
    if (error !== undefined) errors += `ls: cannot access '${path}': ${strerror(error)}\n`;
  }
  const sections = files.length > 0 ? [format(files)] : [];
  for (const path of directories) {
    const error = errnoOf(() => {
      const entries = list(sys, path, options);
      const heading = operands.length > 1 ? `${path}:\n` : '';
      sections.push(heading + (options.has('l') ? 'total 0\n' : '') + format(entries)); // no file has blocks here
    });
    if (error !== undefined) errors += `ls: cannot open directory '${path}': ${strerror(error)}\n`;
  }
  return { output: errors + sections.join('\n'), status: errors === '' ? 0 : 2 };
};

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function list(sys: Syscalls, path: string, options: ReadonlySet<string>): Listed[] {
  const names = sys
    .readdir(path)
    .map(({ name }) => name)
    .filter((name) => options.has('a') || !name.startsWith('.'));
  if (!options.has('U')) names.sort(byName);
  return names.map((name) => listed(sys, name, `${path}/${name}`));
}

function listed(sys: Syscalls, name: string, path: string): Listed {
  const stat = sys.stat(path);
  return { name, stat, ...((stat.mode & S_IFMT) === S_IFLNK && { target: sys.readlink(path) }) };
}

/** Columns are as wide as their widest entry, with one blank between them. */
function longLines(entries: readonly Listed[], now: bigint): string {
  const rows = entries.map(({ name, stat, target }) => ({
    mode: modeText(stat.mode),
    links: `${stat.nlink}`,
    user: ownerName(stat.uid),
    group: ownerName(stat.gid),
    size: `${stat.size}`,
    time: timeText(stat.mtime, now),
    name: target === undefined ? name : `${name} -> ${target}`,
  }));
  const width = (column: 'links' | 'user' | 'group' | 'size'): number =>
    Math.max(0, ...rows.map((row) => row[column].length));
  const [links, user, group, size] = [width('links'), width('user'), width('group'), width('size')];
  return rows
    .map((row) => {
      const owners = `${row.user.padEnd(user)} ${row.group.padEnd(group)}`;
      return `${row.mode} ${row.links.padStart(links)} ${owners} ${row.size.padStart(size)} ${row.time} ${row.name}\n`;
    })
    .join('');
}

const ownerName = (id: number): string => (id === 0 ? 'root' : `${id}`);

function modeText(mode: number): string {
  const type = (mode & S_IFMT) === S_IFDIR ? 'd' : (mode & S_IFMT) === S_IFLNK ? 'l' : '-';
  const bits = [6, 3, 0].map((shift) => {
    const triple = (mode >> shift) & 7;
    return `${triple & 4 ? 'r' : '-'}${triple & 2 ? 'w' : '-'}${triple & 1 ? 'x' : '-'}`;
  });
  const sticky = (mode & 0o1000) !== 0;
  const text = type + bits.join('');
  return sticky ? text.slice(0, 9) + (mode & 1 ? 't' : 'T') : text;
}

/** `Jun 28 11:54`, in UTC; with the year instead when it is not within the last half year. Nanoseconds since 1970. */
export function timeText(time: bigint, now: bigint): string {
  const date = new Date(Number(time / 1_000_000n));
  const day = `${MONTHS[date.getUTCMonth()]} ${`${date.getUTCDate()}`.padStart(2)}`;
  if (time > now || time <= now - HALF_YEAR) return `${day}  ${date.getUTCFullYear()}`;
  const clock = [date.getUTCHours(), date.getUTCMinutes()].map((part) => `${part}`.padStart(2, '0'));
  return `${day} ${clock.join(':')}`;
}
