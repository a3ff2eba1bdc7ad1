import { createHash } from 'node:crypto';
import { createObserver } from '@sevlab/ambient/observer';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import type { GuestContext } from '@sevlab/machine/machine';
import { mountSecurityFs, startKernel } from './boot.ts';
import { bindDevice, unbindDevice } from './driver-core.ts';
import { EFI_SECRET_DEVICE } from './efi/coco.ts';
import { KernelError } from './errno.ts';
import type { Kernel } from './kernel.ts';
import { loadModule, unloadModule } from './modules.ts';
import { O_CREAT, O_EXCL, O_TRUNC, O_WRONLY } from './open-flags.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { LOG_LEVEL } from './printk.ts';
import type { KernelProfile } from './profile.ts';
import { SECURITY_ROOT } from './pseudo-files.ts';
import type { Stat, Syscalls } from './syscalls.ts';
import { ROOT, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './user.ts';

const MODULE = 'efi_secret';
const SECRETS = `${SECURITY_ROOT}/secrets/coco`;
/** Contents up to this many bytes are given in full, longer ones by their SHA-256. */
const HEX_MAX = 4096;
/** Runs of memory up to this many bytes are given in full. */
const RUN_MAX = 8192;
/** A run of memory ends before this many zero bytes. */
const GAP = 16;
/** At most this many bytes of the area are shown afterwards. */
const AREA_AFTER_MAX = 0x30000;
/** At most this many bytes of the area are cleared beforehand. */
const CLEARED_MAX = 0x20_0000n;

export interface ProbeInput {
  readonly name?: string;
  /** What lies at the start of the secret area; zeros follow. */
  readonly area: Uint8Array;
  /** What the location structure says. */
  readonly base?: Gpa;
  readonly size?: bigint;
  /** Where the bytes are put, if not at `base`. */
  readonly at?: Gpa;
  readonly profile: KernelProfile;
  /** `load` inserts the module; `bind` writes to its bind file, which answers with the probe's own errno. */
  readonly mode: 'bind' | 'load';
  /** Operations after the first listing, such as `rm GUID`: names of OPERATIONS with their arguments. */
  readonly operations: readonly string[];
}

/** Values that JSON has. */
export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };
export type OperationResult = { readonly op: string } & { readonly [key: string]: Json };

/** What a kernel did with a secret area: the same object as the test program under a real kernel prints. */
export interface ProbeResult {
  readonly name: string;
  /** Bytes of the given area. */
  readonly blob_len: number;
  /** How the driver came to the device; `err` is an errno's name. */
  readonly probe: Json;
  /** Lines of the driver, each with its level in front. */
  readonly dmesg: readonly string[];
  /** Listing of secrets/coco, or an errno's name. */
  readonly dir: Json;
  /** Each file's content. */
  readonly read: Json;
  readonly ops?: readonly OperationResult[];
  /** The unloading or unbinding at the end. */
  readonly down: OperationResult;
  /** Runs of memory that are not zero: offset in the area and hexadecimal bytes. */
  readonly area_after: Json;
}

/**
 * Boots a kernel on a guest with 128 MiB whose secret area holds the given bytes, and reports what it did. Throws
 * RangeError or SyntaxError for an operation or a number that there is not.
 */
export function probeArea(input: ProbeInput): ProbeResult {
  const observer = createObserver({ machine: 'guest' });
  return runPlainGuest(observer, (context) => {
    clear(context, input);
    writePlainGuest(context.memory);
    const kernel = startKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: input.profile,
      observer,
    });
    mountSecurityFs(kernel);
    return new Probe(kernel, context).run(input);
  });
}

/** Memory starts as zeros under the key, as it is without encryption: the area, and where its bytes are put. */
function clear(
  { memory }: GuestContext,
  { area, base = PLAIN_GUEST.area, size = PLAIN_GUEST.areaSize, at }: ProbeInput,
): void {
  const length = size < CLEARED_MAX ? Number(size) : Number(CLEARED_MAX);
  memory.writePrivate(base, new Uint8Array(Math.max(length, shownLength(area))));
  if (at !== undefined) memory.writePrivate(at, new Uint8Array(shownLength(area)));
}

const shownLength = (area: Uint8Array): number =>
  Math.min(Math.max(area.length + 64, Number(PLAIN_GUEST.areaSize)), AREA_AFTER_MAX);

/** One run: the kernel, what lines of its log were reported, and descriptors that operations keep open. */
class Probe {
  readonly #kernel: Kernel;
  readonly #context: GuestContext;
  readonly #sys: Syscalls;
  readonly #descriptors = new Map<string, number>();
  #reported = 0;

  constructor(kernel: Kernel, context: GuestContext) {
    this.#kernel = kernel;
    this.#context = context;
    this.#sys = kernel.as(ROOT);
  }

  run({
    name = '',
    area,
    base = PLAIN_GUEST.area,
    size = PLAIN_GUEST.areaSize,
    ...input
  }: ProbeInput): ProbeResult {
    const at = input.at ?? base;
    if (input.mode === 'bind') {
      this.#locate(gpa(0n), 0n);
      loadModule(this.#kernel, MODULE, { debug: true }); // its probe fails; the device stays free
      this.#ownLines();
    }
    this.#context.memory.writePrivate(at, area);
    this.#locate(base, size);
    const { op: via, k: dmesg = [], ...outcome } = this.#step(input.mode);
    const { err: dirError, e: entries = [] } = this.#step('ls');
    const { f: read = [] } = this.#step('readall');
    const ops = input.operations.map((line) => this.#step(line)).filter(({ op }) => op !== 'put');
    const down = this.#step(input.mode === 'load' ? 'unload' : 'unbind');
    return {
      name,
      blob_len: area.length,
      probe: { via, ...outcome },
      dmesg: Array.isArray(dmesg) ? dmesg.map(String) : [],
      dir: dirError ?? entries,
      read,
      ...(ops.length > 0 && { ops }),
      down,
      area_after: nonZeroRuns(this.#context.memory.readPrivate(at, shownLength(area))),
    };
  }

  #locate(basePa: Gpa, size: bigint): void {
    this.#context.memory.writePrivate(PLAIN_GUEST.location, SecretLocation.encode({ basePa, size }));
  }

  /** Lines of the driver since the last call. */
  #ownLines(): string[] {
    const lines = this.#kernel.state.log.slice(this.#reported);
    this.#reported += lines.length;
    return lines
      .filter(({ text }) => /^efi_secret( efi_secret\.0)?:/.test(text))
      .map(({ level, text }) => `<${LOG_LEVEL[level]}>${text}`);
  }

  #step(line: string): OperationResult {
    const [op = '', ...args] = line.trim().split(/\s+/);
    const named = args[0] !== undefined && op !== 'puthex' && op !== 'put';
    const result = { op, ...(named && { arg: args[0] }), ...this.#outcome(op, args) };
    const k = this.#ownLines();
    return k.length > 0 ? { ...result, k } : result;
  }

  /** `rc` is the call's value or -1, and then `err` the errno. */
  #outcome(op: string, args: readonly string[]): Record<string, Json> {
    const details = DETAILS[op]?.(args) ?? {};
    let outcome: Record<string, Json>;
    try {
      const value = this.#operate(op, args);
      outcome = typeof value === 'number' ? { rc: value } : value;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      outcome = {
        rc: -1,
        err: error.code,
        ...(op === 'ls' && { e: [] }),
        ...(op === 'readall' && { f: [] }),
      };
    }
    const bound = ['load', 'bind', 'unbind'].includes(op) && { bound: this.#bound() };
    return { ...details, ...outcome, ...bound };
  }

  #bound(): boolean {
    return this.#kernel.state.devices.get(EFI_SECRET_DEVICE)?.driver !== undefined;
  }

  #operate(op: string, args: readonly string[]): number | Record<string, Json> {
    const operation = Object.hasOwn(OPERATIONS, op) ? OPERATIONS[op] : undefined;
    if (operation === undefined) {
      const known = Object.keys(OPERATIONS).join(' ');
      throw new RangeError(`there is no operation '${op}'; expected one of ${known}`);
    }
    const [first = ''] = args;
    const value = operation(
      {
        kernel: this.#kernel,
        context: this.#context,
        sys: this.#sys,
        path: inside(first),
        fd: this.#descriptors.get(first) ?? -1,
        open: (number, fd) => {
          this.#descriptors.set(number, fd);
        },
      },
      args,
    );
    return value ?? 0;
  }
}

interface OperationScope {
  readonly kernel: Kernel;
  readonly context: GuestContext;
  readonly sys: Syscalls;
  /** The first argument as a path: a bare name is one in secrets/coco. */
  readonly path: string;
  /** The first argument as the number of a descriptor that `open` made. */
  readonly fd: number;
  open(number: string, fd: number): void;
}

// biome-ignore lint/suspicious/noConfusingVoidType: many operations have no value.
type Operation = (scope: OperationScope, args: readonly string[]) => number | Record<string, Json> | void;

const inside = (name: string): string => (name.startsWith('/') ? name : `${SECRETS}/${name}`);

/** A number among an operation's arguments, decimal or 0x…. */
function numberOf(text = ''): number {
  const number = Number(text);
  if (text === '' || !Number.isSafeInteger(number)) throw new RangeError(`expected a number, got '${text}'`);
  return number;
}

/** A mode as chmod(1) takes it. */
function octalOf(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new RangeError(`expected a mode of octal digits, got '${text}'`);
  return Number.parseInt(text, 8);
}

/** Arguments that a result repeats besides the first. */
const DETAILS: Readonly<Record<string, (args: readonly string[]) => Record<string, Json>>> = {
  chmod: ([, to = '']) => ({ to }),
  link: ([, to = '']) => ({ to }),
  rename: ([, to = '']) => ({ to }),
  as: ([, gid = '', what = '']) => ({ gid, do: what }),
};

/** Numbers are decimal or 0x…, except for chmod's octal mode. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  load: ({ kernel }) => loadModule(kernel, MODULE, { debug: true }),
  unload: ({ kernel }) => unloadModule(kernel, MODULE),
  bind: ({ kernel }) => bindDevice(requireDriver(kernel), MODULE, EFI_SECRET_DEVICE),
  unbind: ({ kernel }) => unbindDevice(requireDriver(kernel), MODULE, EFI_SECRET_DEVICE),
  ls: ({ sys }, [path = SECRETS]) => {
    const names = listNames(sys, inside(path));
    return { rc: names.length, e: names.map((name) => statJson(name, sys.stat(`${inside(path)}/${name}`))) };
  },
  stat: ({ sys, path }, [name = '']) => ({ rc: 0, st: statJson(name, sys.stat(path)) }),
  read: ({ sys, path }) => ({ rc: 0, ...contentJson(sys.readFile(path)) }),
  readall: ({ sys }) => {
    const names = listNames(sys, SECRETS);
    return { rc: names.length, f: names.map((n) => ({ n, ...contentJson(sys.readFile(inside(n))) })) };
  },
  rm: ({ sys, path }) => sys.unlink(path),
  rmdir: ({ sys, path }) => sys.rmdir(path),
  mkdir: ({ sys, path }) => sys.mkdir(path),
  mknod: ({ sys, path }) => sys.mknod(path, 'fifo'),
  symlink: ({ sys, path }) => sys.symlink('target', path),
  link: ({ sys, path }, [, to = '']) => sys.link(path, inside(to)),
  rename: ({ sys, path }, [, to = '']) => sys.rename(path, inside(to)),
  create: ({ sys, path }) => sys.close(sys.open(path, O_CREAT | O_EXCL | O_WRONLY)),
  write: ({ sys, path }) => {
    const fd = sys.open(path, O_WRONLY);
    try {
      return { at: 'write', rc: sys.write(fd, new Uint8Array([0x78])) };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return { at: 'write', rc: -1, err: error.code };
    } finally {
      sys.close(fd);
    }
  },
  otrunc: ({ sys, path }) => sys.close(sys.open(path, O_WRONLY | O_TRUNC)),
  trunc: ({ sys, path }, [, length]) => sys.truncate(path, numberOf(length)),
  chmod: ({ sys, path }, [, mode = '']) => sys.chmod(path, octalOf(mode)),
  chown: ({ sys, path }, [, uid, gid]) => sys.chown(path, numberOf(uid), numberOf(gid)),
  utime: ({ sys, path }) => sys.utimens(path, { atime: 1_000_000_000n, mtime: 1_000_000_000n }),
  mmap: ({ sys, path }) => {
    const fd = sys.open(path);
    try {
      return sys.mmap(fd);
    } finally {
      sys.close(fd);
    }
  },
  open: ({ sys, path, open }, [, number = '']) => open(number, sys.open(path)),
  fdread: ({ sys, fd }, [, length = '65536']) => readJson(sys.read(fd, numberOf(length))),
  fdpread: ({ sys, fd }, [, length, offset]) => readJson(sys.pread(fd, numberOf(length), numberOf(offset))),
  fdseek: ({ sys, fd }, [, offset, whence]) => sys.lseek(fd, numberOf(offset), numberOf(whence)),
  fdstat: ({ sys, fd }) => ({ rc: 0, st: statJson('', sys.fstat(fd)) }),
  fdclose: ({ sys, fd }) => sys.close(fd),
  as: ({ kernel }, [uid, gid, what = '', name = '']) => {
    const sys = kernel.as({ uid: numberOf(uid), gid: numberOf(gid), groups: [] });
    if (what === 'rm') sys.unlink(inside(name));
    else if (what === 'read') sys.readFile(inside(name));
    else sys.readdir(SECRETS);
  },
  put: ({ context }, [at = '', hex = '']) => context.memory.writePrivate(gpa(BigInt(at)), fromHex(hex)),
  puthex: ({ context }, [at = '', hex = '']) => {
    context.memory.writePrivate(gpa(BigInt(at)), fromHex(hex));
    return { len: hex.length / 2, rc: 0 };
  },
  mem: ({ context }, [at = '', length = '']) => {
    const bytes = context.memory.readPrivate(gpa(BigInt(at)), numberOf(length));
    return { len: bytes.length, rc: 0, runs: nonZeroRuns(bytes) };
  },
};

/** The driver's folder in sysfs is there while the module is loaded. */
function requireDriver(kernel: Kernel): Kernel {
  if (!kernel.state.modules.has(MODULE)) throw new KernelError('ENOENT');
  return kernel;
}

const listNames = (sys: Syscalls, path: string): string[] =>
  sys
    .readdir(path)
    .map(({ name }) => name)
    .filter((name) => name !== '.' && name !== '..')
    .sort();

const statJson = (n: string, { mode, uid, gid, size, nlink }: Stat): Json => ({
  n,
  t: TYPE_LETTER[mode & S_IFMT] ?? '?',
  mode: (mode & 0o7777).toString(8).padStart(4, '0'),
  uid,
  gid,
  size,
  nlink,
});

const TYPE_LETTER: Readonly<Record<number, string>> = { [S_IFDIR]: 'd', [S_IFREG]: '-', [S_IFLNK]: 'l' };

const readJson = (bytes: Uint8Array): Record<string, Json> => ({ rc: bytes.length, ...contentJson(bytes) });

const contentJson = (bytes: Uint8Array): Record<string, Json> => ({
  len: bytes.length,
  ...(bytes.length <= HEX_MAX
    ? { hex: toHex(bytes) }
    : { sha256: createHash('sha256').update(bytes).digest('hex') }),
});

/** Runs start and end with a byte that is not zero; fewer than GAP zeros do not end one. */
function nonZeroRuns(bytes: Uint8Array): Json {
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
