import type { GuestContext } from '@sevlab/machine/machine';
import { coldplug } from './boot.ts';
import { bindDevice, unbindDevice } from './driver-core.ts';
import { EFI_SECRET_DEVICE } from './efi/coco.ts';
import { KernelError } from './errno.ts';
import type { Kernel } from './kernel.ts';
import { driverNames, loadModule, unloadModule } from './modules.ts';
import { mountSecurityFs, unmountSecurityFs } from './mounted-securityfs.ts';
import { O_CREAT, O_EXCL, O_TRUNC, O_WRONLY } from './open-flags.ts';
import {
  descriptor,
  fileContent,
  groupId,
  hexDigits,
  inside,
  integer,
  memoryRange,
  name,
  octalMode,
  oneOf,
  optional,
  type Parameter,
  path,
  placed,
  type ReadFile,
  readLength,
  SECRETS,
  userId,
  Words,
} from './operation-words.ts';
import { contentJson, type Json, nonZeroRuns, readJson, statJson } from './probe-json.ts';
import type { NodeType, Syscalls } from './syscalls.ts';

export const MODULE = 'efi_secret';

/** What operations act on. */
export interface OperationScope {
  readonly kernel: Kernel;
  readonly context: GuestContext;
  readonly sys: Syscalls;
  /** Descriptors that `open` keeps, by the numbers that operations give them. */
  readonly descriptors: Map<number, number>;
}

/** `rc` of a call, or all that is told of it; no value is `rc` 0. */
// biome-ignore lint/suspicious/noConfusingVoidType: many operations have no value.
type Outcome = number | Record<string, Json> | void;
type Operation = (words: Words) => (scope: OperationScope) => Outcome;

/** What is told of an operation: its name, words of it, and what came of it. */
export type OperationResult = { readonly op: string } & { readonly [key: string]: Json };

/** An operation whose words are understood. */
export interface ParsedOperation {
  readonly op: string;
  /** Words that the result repeats. */
  readonly repeated: Record<string, Json>;
  readonly run: (scope: OperationScope) => Outcome;
}

/**
 * Understands an operation such as `rm GUID`. Numbers are decimal or 0x…, except for chmod's octal mode; `put` gets its
 * bytes from `readFile`. Throws RangeError, naming the operation, for words that it cannot take: memory is what the
 * guest has, at most 2 MiB at a time.
 */
export function parseOperation(line: string, readFile: ReadFile = () => undefined): ParsedOperation {
  const words = new Words(line, readFile);
  const run = oneOf(OPERATIONS)(words)(words);
  const [op = '', ...args] = words.all;
  const keys = REPEATED[op] ?? ['arg'];
  return { op, repeated: Object.fromEntries(keys.flatMap((key, i) => entry(key, args[i]))), run };
}

const entry = (key: string, value: string | undefined): [string, string][] =>
  value === undefined ? [] : [[key, value]];

/** Runs an operation. `rc` is the call's value or -1, and then `err` the errno. */
export function perform({ op, repeated, run }: ParsedOperation, scope: OperationScope): OperationResult {
  const outcome = outcomeOf(() => run(scope), FAILED[op]);
  return { op, ...repeated, ...outcome, ...(TELLS_BOUND.has(op) && { bound: isBound(scope.kernel) }) };
}

function outcomeOf(call: () => Outcome, failed: Record<string, Json> = {}): Record<string, Json> {
  try {
    const value = call() ?? 0;
    return typeof value === 'number' ? { rc: value } : value;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { rc: -1, err: error.code, ...failed };
  }
}

/** Operations that tell whether the driver is bound afterwards. */
const TELLS_BOUND: ReadonlySet<string> = new Set(['load', 'autoload', 'bind', 'unbind']);
const isBound = (kernel: Kernel): boolean =>
  kernel.state.devices.get(EFI_SECRET_DEVICE)?.driver !== undefined;

/** What is told of a failure besides the errno. */
const FAILED: Readonly<Record<string, Record<string, Json>>> = {
  ls: { e: [] },
  readall: { f: [] },
  autoload: { loaded: false },
};

/** Names of the words that a result repeats, if not only the first, as `arg`. */
const REPEATED: Readonly<Record<string, readonly string[]>> = {
  chmod: ['arg', 'to'],
  link: ['arg', 'to'],
  rename: ['arg', 'to'],
  as: ['arg', 'gid', 'do'],
  put: [],
  puthex: [],
};

/** An operation with these arguments and no others. */
const operation =
  <A extends readonly unknown[]>(
    parameters: { readonly [I in keyof A]: Parameter<A[I]> },
    run: (scope: OperationScope, ...args: A) => Outcome,
  ): Operation =>
  (words) => {
    const args: readonly unknown[] = parameters.map((parameter) => parameter(words));
    words.end();
    return (scope) => run(scope, ...(args as A)); // map() forgets that a tuple gives a tuple
  };

/** What `as` can do. */
const AS_USER: Readonly<Record<string, Operation>> = {
  ls: operation([], ({ sys }) => void sys.readdir(SECRETS)),
  read: operation([path], ({ sys }, file) => void sys.readFile(file)),
  rm: operation([path], ({ sys }, file) => sys.unlink(file)),
  stat: operation([path], ({ sys }, file) => void sys.stat(file)),
};

/** What mknod(2) can make, by the words of the operation. */
const NODE_TYPES: Readonly<Record<string, NodeType>> = {
  fifo: 'fifo',
  file: 'regular',
  char: 'char',
  socket: 'socket',
};

/** The second that `utime` sets, in nanoseconds. */
const SET_TIME = 1_000_000_000n;
const timeWord = (time: bigint): Json => (time === SET_TIME ? 'set' : 'other');

const OPERATIONS: Readonly<Record<string, Operation>> = {
  load: operation([], ({ kernel }) => loadModule(kernel, MODULE, { debug: true })),
  unload: operation([], ({ kernel }) => unloadModule(kernel, MODULE)),
  autoload: operation([], ({ kernel }) => {
    if (!kernel.state.devices.has(EFI_SECRET_DEVICE)) throw new KernelError('ENOENT');
    coldplug(kernel);
    return { rc: 0, loaded: kernel.state.modules.has(MODULE) };
  }),
  mount: operation([], ({ kernel }) => {
    if (kernel.state.mounted) throw new KernelError('EBUSY');
    mountSecurityFs(kernel);
  }),
  umount: operation([], ({ kernel }) => unmountSecurityFs(kernel)),
  bind: operation([], ({ kernel }) => bindDevice(requireDriver(kernel), MODULE, EFI_SECRET_DEVICE)),
  unbind: operation([], ({ kernel }) => unbindDevice(requireDriver(kernel), MODULE, EFI_SECRET_DEVICE)),
  ls: operation([optional(path, SECRETS)], ({ sys }, folder) => {
    const names = listNames(sys, folder);
    return { rc: names.length, e: names.map((n) => statJson(n, sys.stat(`${folder}/${n}`))) };
  }),
  stat: operation([name], ({ sys }, file) => ({ rc: 0, st: statJson(file, sys.stat(inside(file))) })),
  read: operation([path], ({ sys }, file) => ({ rc: 0, ...contentJson(sys.readFile(file)) })),
  readall: operation([], ({ sys }) => {
    const names = listNames(sys, SECRETS);
    return { rc: names.length, f: names.map((n) => ({ n, ...contentJson(sys.readFile(inside(n))) })) };
  }),
  rm: operation([path], ({ sys }, file) => sys.unlink(file)),
  rmdir: operation([path], ({ sys }, folder) => sys.rmdir(folder)),
  mkdir: operation([path], ({ sys }, folder) => sys.mkdir(folder)),
  mknod: operation([path, optional(oneOf(NODE_TYPES), 'fifo')], ({ sys }, file, type) =>
    sys.mknod(file, type),
  ),
  symlink: operation([path], ({ sys }, file) => sys.symlink('target', file)),
  link: operation([path, path], ({ sys }, from, to) => sys.link(from, to)),
  rename: operation([path, path], ({ sys }, from, to) => sys.rename(from, to)),
  create: operation([path], ({ sys }, file) => sys.close(sys.open(file, O_CREAT | O_EXCL | O_WRONLY))),
  write: operation([path], ({ sys }, file) => {
    const fd = sys.open(file, O_WRONLY);
    try {
      return { at: 'write', ...outcomeOf(() => sys.write(fd, new Uint8Array([0x78]))) };
    } finally {
      sys.close(fd);
    }
  }),
  otrunc: operation([path], ({ sys }, file) => sys.close(sys.open(file, O_WRONLY | O_TRUNC))),
  trunc: operation([path, integer], ({ sys }, file, length) => sys.truncate(file, length)),
  chmod: operation([path, octalMode], ({ sys }, file, mode) => sys.chmod(file, mode)),
  chown: operation([path, userId, groupId], ({ sys }, file, uid, gid) => sys.chown(file, uid, gid)),
  utime: operation([path], ({ sys }, file) => sys.utimens(file, { atime: SET_TIME, mtime: SET_TIME })),
  times: operation([path], ({ sys }, file) => {
    const { atime, mtime } = sys.stat(file);
    return { rc: 0, atime: timeWord(atime), mtime: timeWord(mtime) };
  }),
  mmap: operation([path], ({ sys }, file) => {
    const fd = sys.open(file);
    try {
      return sys.mmap(fd);
    } finally {
      sys.close(fd);
    }
  }),
  open: operation([path, descriptor], ({ sys, descriptors }, file, number) => {
    descriptors.set(number, sys.open(file));
  }),
  fdread: operation([descriptor, optional(readLength, 65536)], (scope, number, length) =>
    readJson(scope.sys.read(opened(scope, number), length)),
  ),
  fdpread: operation([descriptor, readLength, integer], (scope, number, length, offset) =>
    readJson(scope.sys.pread(opened(scope, number), length, offset)),
  ),
  fdseek: operation([descriptor, integer, integer], (scope, number, offset, whence) =>
    scope.sys.lseek(opened(scope, number), offset, whence),
  ),
  fdstat: operation([descriptor], (scope, number) => ({
    rc: 0,
    st: statJson('', scope.sys.fstat(opened(scope, number))),
  })),
  fdclose: operation([descriptor], (scope, number) => {
    const kernelNumber = opened(scope, number);
    scope.descriptors.delete(number); // closed or not, nobody asks for it by this number again
    return scope.sys.close(kernelNumber);
  }),
  as: (words) => {
    const [uid, gid] = [userId(words), groupId(words)];
    const run = oneOf(AS_USER)(words)(words);
    return (scope) => run({ ...scope, sys: scope.kernel.as({ uid, gid, groups: [] }) });
  },
  put: operation([placed(fileContent)], ({ context }, { at, data }) => {
    context.memory.writePrivate(at, data);
    return { len: data.length, rc: 0 };
  }),
  puthex: operation([placed(hexDigits)], ({ context }, { at, data }) => {
    context.memory.writePrivate(at, data);
    return { len: data.length, rc: 0 };
  }),
  mem: operation([memoryRange], ({ context }, { at, length }) => ({
    len: length,
    rc: 0,
    runs: nonZeroRuns(context.memory.readPrivate(at, length)),
  })),
  cat: operation([path], ({ sys }, file) => ({ rc: 0, text: textOf(sys.readFile(file)) })),
};

/** Up to the first NUL, one character a byte: the test program under a real kernel knows no encoding. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end === -1 ? undefined : end));
}

/** The driver's folder in sysfs is there while the module is loaded, and always when it is none. */
function requireDriver(kernel: Kernel): Kernel {
  if (!driverNames(kernel).includes(MODULE)) throw new KernelError('ENOENT');
  return kernel;
}

/** The kernel's number for a descriptor; -1 when it was never opened. */
const opened = ({ descriptors }: OperationScope, number: number): number => descriptors.get(number) ?? -1;

const listNames = (sys: Syscalls, folder: string): string[] =>
  sys
    .readdir(folder)
    .map((file) => file.name)
    .filter((file) => file !== '.' && file !== '..')
    .sort();
