import { type NameService, nameService } from '../name-service.ts';
import { isSymlink, S_IFBLK, S_IFCHR, S_IFMT } from '../user.ts';
import { misuse, parseArguments } from './arguments.ts';
import { modeText, typeText } from './mode-text.ts';
import { errnoOf, type Program, print, strerror, warn } from './program.ts';
import { quote, quoteIfNeeded } from './quote.ts';
import { type FileStatus, joinPath, type SystemCalls } from './system-calls.ts';

/** NOT MODELLED: device numbers of file systems, where nothing tells them. */
const NO_DEVICE = [0, 0] as const;

/** stat(1), coreutils 9.1, TZ=UTC: -c with the directives of a file, -L. */
export const stat: Program = function* (process) {
  const { options, operands } = parseArguments('stat', process.args, {
    letters: 'c:L',
    long: { format: 'c', dereference: 'L' },
  });
  if (operands.length === 0) throw misuse('stat', 'missing operand');
  const service = nameService(process.sys);
  let exit = 0;
  for (const path of operands) {
    let file: File | undefined;
    const error = errnoOf(() => {
      const status = process.sys.stat(options.has('L') ? follow(process.sys, path) : path);
      const link = isSymlink(status);
      file = { path, status, target: link ? process.sys.readlink(path) : undefined, service };
    });
    if (file !== undefined) {
      const format = options.get('c');
      yield* print(process, expand(format === undefined ? defaultFormat(file) : `${format}\n`, file));
    } else if (error !== undefined) {
      warn(process, `cannot statx ${quote(path)}: ${strerror(error)}`);
      exit = 1;
    }
  }
  return exit;
};

/** Links that stat -L follows one after another (MAXSYMLINKS is 40). */
const LINKS_MAX = 40;

/** Where links at the end of a path lead. Throws KernelError. */
function follow(sys: SystemCalls, path: string): string {
  let at = path;
  for (let links = 0; links < LINKS_MAX && isSymlink(sys.stat(at)); links++) {
    at = joinPath(at.includes('/') ? at.slice(0, at.lastIndexOf('/') + 1) : '.', sys.readlink(at));
  }
  return at;
}

interface File {
  readonly path: string;
  readonly status: FileStatus;
  /** Of a symbolic link. */
  readonly target: string | undefined;
  readonly service: NameService;
}

function defaultFormat({ status }: File): string {
  const type = status.mode & S_IFMT;
  const device = type === S_IFCHR || type === S_IFBLK;
  return `  File: %N
  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F
Device: %Hd,%Ld\tInode: %-10i  Links: ${device ? '%-5h Device type: %Hr,%Lr' : '%h'}
Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)
Access: %x
Modify: %y
Change: %z
 Birth: %w
`.replace('%N', '%Q');
}

const DIRECTIVES: Readonly<Record<string, (file: File) => string | number | bigint>> = {
  a: ({ status }) => (status.mode & 0o7777).toString(8),
  A: ({ status }) => modeText(status.mode),
  b: ({ status }) => status.blocks,
  B: () => 512,
  d: ({ status: { device = NO_DEVICE } }) => (device[0] << 8) | device[1],
  f: ({ status }) => status.mode.toString(16),
  F: ({ status }) => typeText(status.mode, status.size),
  g: ({ status }) => status.gid,
  G: ({ status, service }) => service.groupName(status.gid) ?? 'UNKNOWN',
  h: ({ status }) => status.nlink,
  Hd: ({ status: { device = NO_DEVICE } }) => device[0],
  Hr: ({ status: { rdev = NO_DEVICE } }) => rdev[0],
  i: ({ status }) => status.ino,
  Ld: ({ status: { device = NO_DEVICE } }) => device[1],
  Lr: ({ status: { rdev = NO_DEVICE } }) => rdev[1],
  n: ({ path }) => path,
  N: ({ path, target }) => quote(path) + (target === undefined ? '' : ` -> ${quote(target)}`),
  o: ({ status }) => status.blksize,
  Q: ({ path, target }) => quoteIfNeeded(path) + (target === undefined ? '' : ` -> ${quoteIfNeeded(target)}`),
  s: ({ status }) => status.size,
  u: ({ status }) => status.uid,
  U: ({ status, service }) => service.userName(status.uid) ?? 'UNKNOWN',
  w: ({ status: { btime } }) => (btime === undefined ? '-' : timeText(btime)),
  W: ({ status: { btime = 0n } }) => btime / 1_000_000_000n,
  x: ({ status }) => timeText(status.atime),
  X: ({ status }) => status.atime / 1_000_000_000n,
  y: ({ status }) => timeText(status.mtime),
  Y: ({ status }) => status.mtime / 1_000_000_000n,
  z: ({ status }) => timeText(status.ctime),
  Z: ({ status }) => status.ctime / 1_000_000_000n,
};

/**
 * Replaces `%s` and the like; flags `-` and `0`, width and precision as printf(3) has them. DEVIATION: with more than
 * four digits in either it is no directive.
 */
function expand(format: string, file: File): string {
  return format.replace(
    /%(?:%|(?<flags>[-0]*)(?<width>\d{0,4})(?:\.(?<precision>\d{1,4}))?(?<letter>[HL][dr]|[A-Za-z]))/g,
    (whole, ...groups) => {
      const { flags, width, precision, letter } = groups.at(-1) as Record<string, string | undefined>;
      if (letter === undefined) return '%';
      const value = Object.hasOwn(DIRECTIVES, letter) ? DIRECTIVES[letter]?.(file) : undefined;
      if (value === undefined) return '?';
      const text = `${value}`.slice(0, precision === undefined ? undefined : Number(precision));
      if (flags?.includes('-')) return text.padEnd(Number(width));
      return whole.startsWith('%0') ? text.padStart(Number(width), '0') : text.padStart(Number(width));
    },
  );
}

/** `2022-06-28 11:54:05.000000000 +0000`, of nanoseconds since 1970. */
function timeText(time: bigint): string {
  const nanoseconds = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (time - nanoseconds) / 1_000_000_000n;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return `${text}.${`${nanoseconds}`.padStart(9, '0')} +0000`;
}
