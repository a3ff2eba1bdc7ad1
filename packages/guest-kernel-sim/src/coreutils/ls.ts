import { type NameService, nameService } from '../name-service.ts';
import { isDirectory, isSymlink, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../user.ts';
import { parseArguments } from './arguments.ts';
import { inColumns } from './columns.ts';
import { leadsToDirectory } from './look.ts';
import { modeText } from './mode-text.ts';
import { errnoOf, type Process, type Program, print, type Run, strerror, warn } from './program.ts';
import { quote, quoteBeforeColon, quoteIfNeeded } from './quote.ts';
import { type FileStatus, joinPath } from './system-calls.ts';

/** A file is "recent" for less than half a Gregorian year of 31,556,952 seconds; in nanoseconds. */
const HALF_YEAR = 15_778_476n * 1_000_000_000n;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
/** Where the width of the line is not that of a terminal. */
const DEFAULT_WIDTH = 80;

interface Listed {
  readonly name: string;
  /** Undefined when stat(2) failed. */
  readonly stat: FileStatus | undefined;
  /** Of a symbolic link. */
  readonly target?: string;
}

interface Style {
  readonly options: ReadonlyMap<string, string>;
  /** Names are shown so that they can be pasted into a shell. */
  readonly quoted: boolean;
  /** Of a line, for columns; undefined for one name a line. */
  readonly width: number | undefined;
  /** Names of owners; undefined for their numbers. */
  readonly service: NameService | undefined;
  readonly now: bigint;
}

/**
 * ls(1), coreutils 9.1, LC_ALL=C, TZ=UTC: -a, -A, -l, -n, -R, -U, -d, -1, -C, -i, -F, -r, -t. In columns and quoted on
 * a terminal.
 */
export const ls: Program = function* (process) {
  const parsed = parseArguments('ls', process.args, {
    letters: 'aAlnRUd1CiFrt',
    long: {
      all: 'a',
      'almost-all': 'A',
      'numeric-uid-gid': 'n',
      recursive: 'R',
      directory: 'd',
      inode: 'i',
      classify: 'F',
      reverse: 'r',
    },
    status: 2,
  });
  const { options } = parsed;
  const { sys, stdout } = process;
  const long = options.has('l') || options.has('n');
  const columns = stdout.columns !== undefined || options.has('C');
  const style: Style = {
    options: long ? new Map([...options, ['l', '']]) : options,
    quoted: stdout.columns !== undefined,
    width: columns && !options.has('1') ? (stdout.columns ?? DEFAULT_WIDTH) : undefined,
    service: options.has('n') ? undefined : nameService(sys),
    now: process.kernel.observer.clock.now,
  };
  const operands = parsed.operands.length > 0 ? parsed.operands : ['.'];

  const files: Listed[] = [];
  const directories: Listed[] = [];
  let status = 0;
  for (const path of operands) {
    const error = errnoOf(() => {
      const stat = sys.stat(path);
      const follow = !long && !options.has('d') && !options.has('F');
      const directory = isDirectory(stat) || (follow && isSymlink(stat) && leadsToDirectory(sys, path));
      if (directory && !options.has('d')) directories.push({ name: path, stat });
      else files.push({ name: path, stat, ...targetOf(process, path, stat) });
    });
    if (error === undefined) continue;
    warn(process, `cannot access ${quote(path)}: ${strerror(error)}`);
    status = 2;
  }
  if (files.length > 0)
    yield* print(process, format(sorted(files, style), style, [...files, ...directories]));
  const listing: Listing = {
    style,
    headings: operands.length > 1 || options.has('R'),
    first: files.length === 0,
    worst: status,
  };
  for (const { name } of sorted(directories, style)) yield* listDirectory(process, name, listing, 2);
  return listing.worst;
};

interface Listing {
  readonly style: Style;
  /** Each directory has its name above it. */
  readonly headings: boolean;
  /** Nothing was printed before. */
  first: boolean;
  /** Exit status so far. */
  worst: number;
}

/** One directory, and with -R what is below it. `status` is that of ls when the directory cannot be opened. */
function* listDirectory(process: Process, path: string, listing: Listing, status: number): Run {
  const { style } = listing;
  let entries: Listed[] = [];
  const error = errnoOf(() => {
    entries = sorted(entriesOf(process, path, style), style);
  });
  if (error !== undefined) {
    warn(process, `cannot open directory ${quote(path)}: ${strerror(error)}`);
    listing.worst = Math.max(listing.worst, status);
    return;
  }
  const heading = listing.headings ? `${style.quoted ? quoteBeforeColon(path) : path}:\n` : '';
  const blocks = entries.reduce((sum, { stat }) => sum + (stat?.blocks ?? 0), 0);
  const total = style.options.has('l') ? `total ${Math.ceil(blocks / 2)}\n` : '';
  yield* print(process, (listing.first ? '' : '\n') + heading + total + format(entries, style));
  listing.first = false;
  if (!style.options.has('R')) return;
  for (const { name, stat } of entries) {
    if (stat === undefined || !isDirectory(stat) || name === '.' || name === '..') continue;
    yield* listDirectory(process, joinPath(path, name), listing, 1);
  }
}

function entriesOf(process: Process, path: string, { options }: Style): Listed[] {
  const names = process.sys.readdir(path).map(({ name }) => name);
  const shown = names.filter((name) => {
    if (options.has('a') || !name.startsWith('.')) return true;
    return options.has('A') && name !== '.' && name !== '..';
  });
  return shown.map((name) => {
    const below = joinPath(path, name);
    let stat: FileStatus | undefined;
    const error = errnoOf(() => {
      stat = process.sys.stat(below);
    });
    if (error !== undefined && options.has('l'))
      warn(process, `cannot access ${quote(below)}: ${strerror(error)}`);
    return { name, stat, ...(stat && targetOf(process, below, stat)) };
  });
}

const targetOf = ({ sys }: Process, path: string, stat: FileStatus): { target?: string } =>
  isSymlink(stat) ? { target: sys.readlink(path) } : {};

function sorted(entries: readonly Listed[], { options }: Style): Listed[] {
  if (options.has('U')) return [...entries];
  const byName = (a: Listed, b: Listed): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const time = ({ stat }: Listed): bigint => stat?.mtime ?? 0n;
  const newestFirst = (a: Listed, b: Listed): number => (time(a) > time(b) ? -1 : time(a) < time(b) ? 1 : 0);
  const order = options.has('t') ? (a: Listed, b: Listed) => newestFirst(a, b) || byName(a, b) : byName;
  return entries.toSorted(options.has('r') ? (a, b) => order(b, a) : order);
}

/** `measured`: the entries that decide how wide columns are; directories in the command line are among them. */
function format(entries: readonly Listed[], style: Style, measured: readonly Listed[] = entries): string {
  const { options, width } = style;
  const names = namesOf(entries, style);
  if (options.has('l')) return longLines(entries, names, { style, measured });
  const inodes = inodeColumn(entries, style, measured);
  const cells = names.map((name, i) => inodes[i] + name);
  return width === undefined ? cells.map((cell) => `${cell}\n`).join('') : inColumns(cells, width);
}

/** Where one name is quoted, the others move one column to the right, so that the names stand below each other. */
function namesOf(entries: readonly Listed[], style: Style): string[] {
  const names = entries.map(({ name }) => (style.quoted ? quoteIfNeeded(name) : name));
  const aligned = style.quoted && (style.options.has('l') || style.width !== undefined);
  const someQuoted = names.some((name, i) => name !== entries[i]!.name);
  return names.map((name, i) => {
    const { stat, target } = entries[i]!;
    const blank = aligned && someQuoted && name === entries[i]!.name ? ' ' : '';
    const link = target !== undefined && style.options.has('l');
    const to = link ? ` -> ${style.quoted ? quoteIfNeeded(target) : target}` : '';
    return blank + name + to + (style.options.has('F') && stat && !link ? indicator(stat.mode) : '');
  });
}

function indicator(mode: number): string {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return '/';
    case S_IFLNK:
      return '@';
    case S_IFIFO:
      return '|';
    case S_IFSOCK:
      return '=';
    case S_IFREG:
      return (mode & 0o111) === 0 ? '' : '*';
    default:
      return '';
  }
}

function inodeColumn(entries: readonly Listed[], { options }: Style, measured: readonly Listed[]): string[] {
  const textOf = ({ stat }: Listed): string => (options.has('i') ? `${stat?.ino ?? '?'}` : '');
  const width = Math.max(0, ...measured.map((entry) => textOf(entry).length));
  return entries.map(textOf).map((text) => (options.has('i') ? `${text.padStart(width)} ` : ''));
}

/** Columns are as wide as their widest entry, with one blank between them; numbers of nobody stand on the right. */
function longLines(
  entries: readonly Listed[],
  names: readonly string[],
  { style, measured }: { readonly style: Style; readonly measured: readonly Listed[] },
): string {
  const inodes = inodeColumn(entries, style, measured);
  const cells = measured.map((entry) => cellsOf(entry, style));
  const width = (column: (row: Cells) => string): number =>
    Math.max(0, ...cells.map((row) => column(row).length));
  const links = width((row) => row.links);
  const user = width((row) => row.user.text);
  const group = width((row) => row.group.text);
  const size = width((row) => row.size);
  const owner = ({ text, right }: Owner, columns: number): string =>
    right ? text.padStart(columns) : text.padEnd(columns);
  return entries
    .map((entry, i) => {
      const row = cellsOf(entry, style);
      const owners = `${owner(row.user, user)} ${owner(row.group, group)}`;
      return `${inodes[i]}${row.mode} ${row.links.padStart(links)} ${owners} ${row.size.padStart(size)} ${row.time} ${names[i]}\n`;
    })
    .join('');
}

interface Cells {
  readonly mode: string;
  readonly links: string;
  readonly user: Owner;
  readonly group: Owner;
  readonly size: string;
  readonly time: string;
}

const cellsOf = ({ stat }: Listed, { service, now }: Style): Cells => ({
  mode: stat ? modeText(stat.mode) : '-?????????',
  links: stat ? `${stat.nlink}` : '?',
  user: ownerOf(stat?.uid, service?.userName),
  group: ownerOf(stat?.gid, service?.groupName),
  size: stat ? (stat.rdev?.join(', ') ?? `${stat.size}`) : '?',
  time: stat ? timeText(stat.mtime, now) : '?'.padStart(12),
});

interface Owner {
  readonly text: string;
  readonly right: boolean;
}

function ownerOf(id: number | undefined, nameOf: ((id: number) => string | undefined) | undefined): Owner {
  if (id === undefined) return { text: '?', right: false };
  const name = nameOf?.(id);
  return name === undefined ? { text: `${id}`, right: true } : { text: name, right: false };
}

/** `Jun 28 11:54`, in UTC; with the year instead when it is not within the last half year. Nanoseconds since 1970. */
export function timeText(time: bigint, now: bigint): string {
  const date = new Date(Number(time / 1_000_000n));
  const day = `${MONTHS[date.getUTCMonth()]} ${`${date.getUTCDate()}`.padStart(2)}`;
  if (time > now || time <= now - HALF_YEAR) return `${day}  ${date.getUTCFullYear()}`;
  const clock = [date.getUTCHours(), date.getUTCMinutes()].map((part) => `${part}`.padStart(2, '0'));
  return `${day} ${clock.join(':')}`;
}
