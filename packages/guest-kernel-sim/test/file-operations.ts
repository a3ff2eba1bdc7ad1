import { createHash } from 'node:crypto';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import fc from 'fast-check';
import { KernelError } from '../src/errno.ts';
import type { Kernel } from '../src/kernel.ts';
import type { Stat, Syscalls } from '../src/syscalls.ts';
import { ROOT, S_IFMT } from '../src/user.ts';

/** Who does it, what, and with which arguments. A path that starts with `@` starts in the sequence's own folder. */
export type Operation = readonly [uid: number, name: string, ...args: (string | number)[]];
/** What a call answered: its value, or the name of its errno. */
export type Answer = number | string | readonly (string | number)[];

/** How deep the folder lies: no path that is drawn climbs out of what both sides have in common. */
const DEPTH = 12;
const O_NONBLOCK = 0o4000;

const user = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.constantFrom(1000, 1001) },
);
const name = fc.constantFrom('a', 'b', 'c', 'e', 'f');
const path = fc.oneof(
  { weight: 12, arbitrary: name },
  { weight: 6, arbitrary: fc.tuple(name, name).map((names) => names.join('/')) },
  { weight: 1, arbitrary: name.map((one) => `@/${one}`) },
  { weight: 1, arbitrary: name.map((one) => `${one}/`) },
  { weight: 1, arbitrary: name.map((one) => `${one}/..`) },
  { weight: 1, arbitrary: name.map((one) => `../${one}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('.', '..', '@', '', 'a/./b', 'a/b/c', 'a//b', `x${'y'.repeat(255)}`),
  },
);
const target = fc.oneof(path, fc.constantFrom('a', '.', '..', 'b/', '@/c'));
const slot = fc.integer({ min: 0, max: 2 });
const mode = fc.constantFrom(0o644, 0o600, 0o666, 0o755, 0o777, 0o4755, 0o2755, 0o2644, 0o1777, 0o000, 0o444);
const flags = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0o102) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(0, 1, 2),
        fc.subarray([0o100, 0o200, 0o1000, 0o2000, 0o200000, 0o400000, 0o1000000], { maxLength: 3 }),
        fc.oneof(
          { weight: 12, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.constantFrom(0o10000000, 0o20200000) },
        ),
      )
      .map(([access, more, special]) => more.reduce((all, flag) => all | flag, access | special)),
  },
);
const offset = fc.constantFrom(-1, 0, 1, 5, 100, 4090, 4096, 5000, 8192, 12_000);
const length = fc.constantFrom(0, 1, 3, 10, 4096, 9000);
const data = fc.oneof(fc.uint8Array({ maxLength: 12 }).map(toHex), fc.constantFrom('ab*4096', 'cd*5000', ''));
const xattr = fc.constantFrom('user.a', 'user.b', 'trusted.a', 'security.a', 'other.a', 'user');

/** Arguments of each operation that is drawn, as often as the number says. */
const OPERATIONS: Readonly<Record<string, readonly [number, ...fc.Arbitrary<string | number>[]]>> = {
  open: [20, slot, path, flags, mode],
  close: [3, slot],
  read: [4, slot, length],
  pread: [2, slot, length, offset],
  write: [8, slot, data],
  pwrite: [3, slot, data, offset],
  lseek: [4, slot, offset, fc.integer({ min: 0, max: 5 })],
  ftruncate: [2, slot, offset],
  fallocate: [1, slot, fc.constantFrom(0, 1, 2, 3), offset, length],
  copyFileRange: [2, slot, slot, length],
  sendfile: [2, slot, slot, fc.constantFrom(1, 3, 10, 4096, 9000)],
  fsync: [1, slot],
  fstat: [3, slot],
  fchmod: [1, slot, mode],
  stat: [4, path],
  lstat: [4, path],
  access: [2, path, fc.integer({ min: 0, max: 7 })],
  readdir: [3, path],
  readlink: [2, path],
  linkOf: [1, slot],
  mkdir: [8, path, mode],
  rmdir: [4, path],
  unlink: [5, path],
  mkfifo: [1, path, mode],
  mknod: [3, path, mode],
  link: [4, path, path],
  symlink: [5, target, path],
  rename: [9, path, path, fc.constantFrom(0, 0, 0, 1, 2, 3, 8)],
  truncate: [3, path, offset],
  chmod: [4, path, mode],
  chown: [3, path, fc.constantFrom(-1, 0, 1000), fc.constantFrom(-1, 0, 1000, 1001)],
  lchown: [1, path, fc.constantFrom(-1, 0, 1000), fc.constantFrom(-1, 0, 1000, 1001)],
  utime: [2, path, fc.constantFrom(0, 1)],
  chdir: [1, path],
  getcwd: [1],
  setxattr: [2, path, xattr, fc.constantFrom('', '01', 'ff*40'), fc.constantFrom(0, 0, 1, 2)],
  getxattr: [1, path, xattr],
  removexattr: [1, path, xattr],
  listxattr: [1, path],
};

const operation: fc.Arbitrary<Operation> = fc.oneof(
  ...Object.entries(OPERATIONS).map(([what, [weight, ...args]]) => ({
    weight,
    arbitrary: fc.tuple(user, fc.constant(what), ...args) as fc.Arbitrary<Operation>, // map() forgets the first two
  })),
);

/** So many sequences, the same for the same seed. */
export const drawSequences = (seed: number, count: number): Operation[][] =>
  fc.sample(fc.array(operation, { minLength: 5, maxLength: 100, size: 'max' }), { seed, numRuns: count });

/**
 * What the emulated kernel answers to sequence `number`, below the folder that real-files.py was given: paths have to be
 * the same, since some answers have them.
 */
export function emulatedAnswers(
  kernel: Kernel,
  folder: string,
  sequence: number,
  operations: readonly Operation[],
): Answer[] {
  const sys = kernel.as(ROOT, '/');
  const base = `${folder}/${sequence}${'/d'.repeat(DEPTH)}`;
  const steps = base.split('/');
  for (let depth = 2; depth <= steps.length; depth++) {
    const path = steps.slice(0, depth).join('/');
    if (
      !sys.readdir(steps.slice(0, depth - 1).join('/') || '/').some(({ name }) => name === steps[depth - 1])
    )
      sys.mkdir(path);
  }
  sys.chmod(base, 0o1777);
  sys.chdir(base);
  const slots = new Map<number, number>();
  return operations.map(([uid, what, ...args]) => {
    sys.become({ uid, gid: uid, groups: [] });
    try {
      return CALLS[what]?.({ sys, slots, base }, args) ?? 0;
    } catch (error) {
      if (error instanceof KernelError) return error.code;
      throw error;
    }
  });
}

interface Run {
  readonly sys: Syscalls;
  readonly base: string;
  /** Descriptors by the numbers that operations give them. */
  readonly slots: Map<number, number>;
}

// biome-ignore lint/suspicious/noConfusingVoidType: many system calls have no value.
type Call = (run: Run, args: readonly (string | number)[]) => Answer | void;

const at = ({ base }: Run, argument: string | number | undefined): string =>
  `${argument}`.replace(/^@/, base);
const number = (argument: string | number | undefined): number => Number(argument);
const fd = ({ slots }: Run, argument: string | number | undefined): number =>
  slots.get(number(argument)) ?? 999;

/** Hexadecimal bytes, of which one may be repeated: `ab*4096`. */
function bytes(argument: string | number | undefined): Uint8Array {
  const [digits = '', count] = `${argument}`.split('*');
  return fromHex(digits.repeat(Number(count ?? 1)));
}

/** Hexadecimal bytes; when there are many, their number and the start of their SHA-256. */
const shown = (data: Uint8Array): string =>
  data.length <= 64
    ? toHex(data)
    : `${data.length}:${createHash('sha256').update(data).digest('hex').slice(0, 16)}`;

const status = ({ mode, nlink, uid, gid, size, blocks }: Stat): number[] => [
  mode & S_IFMT,
  mode & ~S_IFMT,
  nlink,
  uid,
  gid,
  size,
  blocks,
];
const named = (names: readonly string[]): string[] =>
  names.filter((one) => one !== '.' && one !== '..').sort();

const CALLS: Readonly<Record<string, Call>> = {
  open(run, [which, file, wanted, permissions]) {
    const opened = run.sys.open(at(run, file), number(wanted) | O_NONBLOCK, number(permissions));
    const before = run.slots.get(number(which));
    if (before !== undefined) run.sys.close(before);
    run.slots.set(number(which), opened);
  },
  close(run, [which]) {
    const opened = fd(run, which);
    run.slots.delete(number(which));
    run.sys.close(opened);
  },
  read: (run, [which, count]) => shown(run.sys.read(fd(run, which), number(count))),
  pread: (run, [which, count, from]) => shown(run.sys.pread(fd(run, which), number(count), number(from))),
  write: (run, [which, what]) => run.sys.write(fd(run, which), bytes(what)),
  pwrite: (run, [which, what, where]) => run.sys.pwrite(fd(run, which), bytes(what), number(where)),
  lseek: (run, [which, by, whence]) => run.sys.lseek(fd(run, which), number(by), number(whence)),
  ftruncate: (run, [which, size]) => run.sys.ftruncate(fd(run, which), number(size)),
  fallocate: (run, [which, how, from, count]) =>
    run.sys.fallocate(fd(run, which), number(how), number(from), number(count)),
  copyFileRange: (run, [from, to, count]) => run.sys.copyFileRange(fd(run, from), fd(run, to), number(count)),
  sendfile: (run, [to, from, count]) => run.sys.sendfile(fd(run, to), fd(run, from), number(count)),
  fsync: (run, [which]) => run.sys.fsync(fd(run, which)),
  fstat: (run, [which]) => status(run.sys.fstat(fd(run, which))),
  fchmod: (run, [which, permissions]) => run.sys.fchmod(fd(run, which), number(permissions)),
  stat: (run, [file]) => status(run.sys.stat(at(run, file), { follow: true })),
  lstat: (run, [file]) => status(run.sys.stat(at(run, file))),
  access(run, [file, wanted]) {
    try {
      run.sys.access(at(run, file), number(wanted));
    } catch (error) {
      if (error instanceof KernelError) return 1; // Python's os.access() tells no more
      throw error;
    }
  },
  readdir: (run, [folder]) => named(run.sys.readdir(at(run, folder)).map((entry) => entry.name)),
  readlink: (run, [file]) => run.sys.readlink(at(run, file)),
  linkOf: (run, [which]) => run.sys.readlink(`/proc/self/fd/${fd(run, which)}`).replace(/#\d+/, '#'),
  mkdir: (run, [folder, permissions]) => run.sys.mkdir(at(run, folder), number(permissions)),
  rmdir: (run, [folder]) => run.sys.rmdir(at(run, folder)),
  unlink: (run, [file]) => run.sys.unlink(at(run, file)),
  mkfifo: (run, [file, permissions]) => run.sys.mknod(at(run, file), 'fifo', number(permissions)),
  mknod: (run, [file, permissions]) => run.sys.mknod(at(run, file), 'regular', number(permissions)),
  link: (run, [from, to]) => run.sys.link(at(run, from), at(run, to)),
  symlink: (run, [to, file]) => run.sys.symlink(at(run, to), at(run, file)),
  rename: (run, [from, to, how]) => run.sys.rename(at(run, from), at(run, to), number(how)),
  truncate: (run, [file, size]) => run.sys.truncate(at(run, file), number(size)),
  chmod: (run, [file, permissions]) => run.sys.chmod(at(run, file), number(permissions)),
  chown: (run, [file, uid, gid]) => run.sys.chown(at(run, file), number(uid), number(gid)),
  lchown: (run, [file, uid, gid]) => run.sys.lchown(at(run, file), number(uid), number(gid)),
  utime(run, [file, now]) {
    const second = 1_000_000_000n;
    run.sys.utimens(at(run, file), number(now) === 1 ? undefined : { atime: second, mtime: second });
  },
  chdir: (run, [folder]) => run.sys.chdir(at(run, folder)),
  getcwd: (run) => run.sys.getcwd(),
  setxattr: (run, [file, key, value, how]) =>
    run.sys.setxattr(at(run, file), `${key}`, bytes(value), number(how)),
  getxattr: (run, [file, key]) => shown(run.sys.getxattr(at(run, file), `${key}`)),
  removexattr: (run, [file, key]) => run.sys.removexattr(at(run, file), `${key}`),
  listxattr: (run, [file]) => [...run.sys.listxattr(at(run, file))].sort(),
};
