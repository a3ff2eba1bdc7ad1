import { readFileSync } from 'node:fs';
import { createObserver } from '@sevlab/ambient/observer';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import { describe, expect, it } from 'vitest';
import { bootKernel } from './boot.ts';
import { KernelError } from './errno.ts';
import type { Kernel } from './kernel.ts';
import {
  O_APPEND,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from './open-flags.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';
import type { Stat, Syscalls } from './syscalls.ts';
import { MAY_EXEC, MAY_READ, MAY_WRITE, ROOT, type User } from './user.ts';

interface RecordedCall {
  readonly call: string;
  readonly ret: number;
  readonly errno: string;
  readonly extra: string;
}

const vectors = new URL('../test/vectors/', import.meta.url);
const matrix: { kernels: Record<string, Record<string, RecordedCall[]>> } = JSON.parse(
  readFileSync(new URL('securityfs-syscalls.json', vectors), 'utf8'),
);
const parse: { vectors: { id: string; area_hex: string }[] } = JSON.parse(
  readFileSync(new URL('efi-secret-parse.json', vectors), 'utf8'),
);

const ROOT_DIR = '/sys/kernel/security';
const SECRETS = `${ROOT_DIR}/secrets`;
const D = `${SECRETS}/coco`;
const F = `${D}/e6f5a162-d67f-4750-a67c-5d065f2a9910`;
const N = `${D}/new`;
const LEN = 34;

interface Run {
  readonly sys: Syscalls;
  /** The descriptor that `r: open` and its like made. */
  fd: number;
  /** Descriptors a, b and c of the sequence around unlink. */
  abc: number[];
}

/** A call's value: bytes are shown as their number and their hexadecimal digits. */
// biome-ignore lint/suspicious/noConfusingVoidType: many system calls have no value.
type Outcome = number | Uint8Array | string | void;
type Call = (run: Run) => Outcome;

const statText = ({ mode, nlink, uid, gid, size, blocks, blksize }: Stat): string =>
  `mode=${mode.toString(8)} nlink=${nlink} uid=${uid} gid=${gid} size=${size} blocks=${blocks} ` +
  `blksize=${blksize} ino>0 devmajor=0 atime=* mtime=* ctime=*`;
const fstatText = ({ mode, nlink, size }: Stat): string =>
  `mode=${mode.toString(8)} nlink=${nlink} size=${size}`;

const stat =
  (path: string): Call =>
  ({ sys }) =>
    statText(sys.stat(path));
const open =
  (flags: number, path = F): Call =>
  ({ sys }) =>
    sys.close(sys.open(path, flags));
const keep =
  (flags: number, path = F): Call =>
  (run) => {
    run.fd = run.sys.open(path, flags);
  };
const read =
  (length: number): Call =>
  ({ sys, fd }) =>
    sys.read(fd, length);
const pread =
  (length: number, offset: number): Call =>
  ({ sys, fd }) =>
    sys.pread(fd, length, offset);
const lseek =
  (offset: number, whence: number): Call =>
  ({ sys, fd }) =>
    sys.lseek(fd, offset, whence);
const write: Call = ({ sys, fd }) => sys.write(fd, new Uint8Array(1));
const readdir: Call = ({ sys }) =>
  sys
    .readdir(D)
    .map(({ name, type }) => `${name}:${type} `)
    .join('');

/** Each recorded call that can be made here. */
const CALLS: Readonly<Record<string, Call>> = {
  'stat file': stat(F),
  'stat coco': stat(D),
  'stat secrets': stat(SECRETS),
  'readdir coco': readdir,
  'access F_OK': ({ sys }) => sys.access(F, 0),
  'access R_OK': ({ sys }) => sys.access(F, MAY_READ),
  'access W_OK': ({ sys }) => sys.access(F, MAY_WRITE),
  'access X_OK': ({ sys }) => sys.access(F, MAY_EXEC),
  'access dir W_OK': ({ sys }) => sys.access(D, MAY_WRITE),
  'open O_RDONLY': open(O_RDONLY),
  'open O_WRONLY': open(O_WRONLY),
  'open O_RDWR': open(O_RDWR),
  'open O_WRONLY|O_APPEND': open(O_WRONLY | O_APPEND),
  'open O_RDONLY|O_DIRECT': open(O_DIRECT),
  'open O_RDONLY|O_DIRECTORY': open(O_DIRECTORY),
  'open O_PATH': open(O_PATH),
  'open O_RDONLY|O_NOATIME': open(O_NOATIME),
  'open O_RDONLY|O_NOFOLLOW': open(O_NOFOLLOW),
  'open O_RDONLY|O_CREAT existing': open(O_CREAT),
  'open O_RDONLY|O_CREAT|O_EXCL existing': open(O_CREAT | O_EXCL),
  'open O_WRONLY|O_CREAT new': open(O_WRONLY | O_CREAT, N),
  'open O_WRONLY|O_CREAT|O_EXCL new': open(O_WRONLY | O_CREAT | O_EXCL, N),
  'open O_RDONLY missing': open(O_RDONLY, N),
  'open O_TMPFILE|O_RDWR dir': open(O_TMPFILE | O_RDWR, D),
  'open dir O_RDONLY': open(O_RDONLY, D),
  'open dir O_WRONLY': open(O_WRONLY, D),
  'open dir O_RDWR': open(O_RDWR, D),
  'open UPPERCASE guid': open(O_RDONLY, `${D}/E6F5A162-D67F-4750-A67C-5D065F2A9910`),
  'open name of 256 chars': open(O_RDONLY, `${D}/${'n'.repeat(256)}`),
  'open name of 255 chars': open(O_RDONLY, `${D}/${'n'.repeat(255)}`),
  'open file with trailing slash': open(O_RDONLY, `${F}/`),
  'open below file': open(O_RDONLY, `${F}/x`),

  'r: open': keep(O_RDONLY),
  'r: read 5': read(5),
  'r: read 5 more': read(5),
  'r: read rest': read(1000),
  'r: read at EOF': read(10),
  'r: lseek SET 0': lseek(0, 0),
  'r: read 4 after seek 0': read(4),
  'r: lseek CUR 3': lseek(3, 1),
  'r: read 4 after CUR': read(4),
  'r: lseek CUR -2': lseek(-2, 1),
  'r: read 2': read(2),
  'r: lseek END 0': lseek(0, 2),
  'r: lseek END -1': lseek(-1, 2),
  'r: lseek SET -1': lseek(-1, 0),
  'r: lseek DATA 0': lseek(0, 3),
  'r: lseek HOLE 0': lseek(0, 4),
  'r: lseek whence 9': lseek(0, 9),
  'r: lseek SET 10': lseek(10, 0),
  'r: read 4 at 10': read(4),
  'r: lseek SET 100000': lseek(100000, 0),
  'r: read at 100000': read(4),
  'r: lseek CUR 0': lseek(0, 1),
  'r: lseek SET 0 again': lseek(0, 0),
  'r: pread 4@0': pread(4, 0),
  'r: pread 4@2': pread(4, 2),
  'r: pread 4@EOF-2': pread(4, LEN - 2),
  'r: pread 4@34': pread(4, 34),
  'r: pread 4@9999': pread(4, 9999),
  'r: pread 4@-1': pread(4, -1),
  'r: read after preads (pos 0)': read(3),
  'r: read 0 bytes': read(0),
  'r: write on O_RDONLY': write,
  'r: ftruncate on O_RDONLY': ({ sys, fd }) => sys.ftruncate(fd, 0),
  'r: preadv': ({ sys, fd }) => sys.pread(fd, 100, 0).length,
  'r: mmap MAP_SHARED': ({ sys, fd }) => sys.mmap(fd),
  'r: mmap MAP_PRIVATE': ({ sys, fd }) => sys.mmap(fd),
  'r: rewind': lseek(0, 0),
  'r: fstat': ({ sys, fd }) => fstatText(sys.fstat(fd)),
  'w: open O_WRONLY': keep(O_WRONLY),
  'w: write': write,
  'w: write 0 bytes': ({ sys, fd }) => sys.write(fd, new Uint8Array(0)),
  'w: pwrite': ({ sys, fd }) => sys.pwrite(fd),
  'w: writev': write,
  'w: read on O_WRONLY': read(4),
  'w: lseek 0': lseek(0, 0),
  'rw: open O_RDWR': keep(O_RDWR),
  'rw: read': read(4),
  'rw: write': write,
  'rw: mmap': ({ sys, fd }) => sys.mmap(fd),
  'dir: open': keep(O_RDONLY, D),
  'dir: read': read(10),
  'dir: lseek 0': lseek(0, 0),
  'dir: lseek END': lseek(0, 2),
  'dir: ftruncate': ({ sys, fd }) => sys.ftruncate(fd, 0),

  'mkdir new': ({ sys }) => sys.mkdir(N),
  'mkdir existing file name': ({ sys }) => sys.mkdir(F),
  'symlink new': ({ sys }) => sys.symlink('x', N),
  'symlink existing': ({ sys }) => sys.symlink('x', F),
  'link new': ({ sys }) => sys.link(F, N),
  'link to tmpfs': ({ sys }) => sys.link(F, '/tmp/x'),
  'link from tmpfs': ({ sys }) => sys.link('/proc/iomem', N),
  'link existing': ({ sys }) => sys.link(F, `${D}/9553f55d-3da2-43ee-ab5d-ff17f78864d2`),
  'mknod fifo': ({ sys }) => sys.mknod(N, 'fifo'),
  'mknod reg': ({ sys }) => sys.mknod(N, 'regular'),
  'mknod chr': ({ sys }) => sys.mknod(N, 'char'),
  'mknod sock': ({ sys }) => sys.mknod(N, 'socket'),
  'mknod chr 0,0': ({ sys }) => sys.mknod(N, 'char'),
  'rename in dir': ({ sys }) => sys.rename(F, N),
  'rename to itself': ({ sys }) => sys.rename(F, F),
  'rename to tmpfs': ({ sys }) => sys.rename(F, '/tmp/x'),
  'rename tmpfs into': ({ sys }) => sys.rename('/tmp/x', N),
  'rename missing': ({ sys }) => sys.rename(N, `${D}/other`),
  'rename coco to coco2': ({ sys }) => sys.rename(D, `${SECRETS}/coco2`),
  'rename secrets': ({ sys }) => sys.rename(SECRETS, `${ROOT_DIR}/other`),
  'renameat2 NOREPLACE': ({ sys }) => sys.rename(F, N),
  'rename file to secrets/': ({ sys }) => sys.rename(F, `${SECRETS}/x`),
  'rmdir coco': ({ sys }) => sys.rmdir(D),
  'rmdir secrets': ({ sys }) => sys.rmdir(SECRETS),
  'rmdir file': ({ sys }) => sys.rmdir(F),
  'rmdir missing': ({ sys }) => sys.rmdir(N),
  'unlink coco dir': ({ sys }) => sys.unlink(D),
  'unlink missing': ({ sys }) => sys.unlink(N),
  'unlink lsm': ({ sys }) => sys.unlink(`${ROOT_DIR}/lsm`),
  'rmdir coco/.': ({ sys }) => sys.rmdir(`${D}/.`),
  'rmdir coco/..': ({ sys }) => sys.rmdir(`${D}/..`),
  'unlink file/': ({ sys }) => sys.unlink(`${F}/`),
  'mkdir in securityfs root': ({ sys }) => sys.mkdir(`${ROOT_DIR}/x`),
  'mkdir in secrets': ({ sys }) => sys.mkdir(`${SECRETS}/x`),
  'open O_CREAT in secrets': open(O_WRONLY | O_CREAT, `${SECRETS}/x`),
  'open O_CREAT in root': open(O_WRONLY | O_CREAT, `${ROOT_DIR}/x`),

  'utimes now': ({ sys }) => sys.utimens(F),
  'utimensat set': ({ sys }) => sys.utimens(F, { atime: 1n, mtime: 1n }),
  'stat after utimens': stat(F),
  'chmod 0644': ({ sys }) => sys.chmod(F, 0o644),
  'stat after chmod': stat(F),
  'chown 1000:1000': ({ sys }) => sys.chown(F, 1000, 1000),
  'stat after chown': stat(F),
  'chown back': ({ sys }) => sys.chown(F, 0, 0),
  'chmod back 0440': ({ sys }) => sys.chmod(F, 0o440),
  'chmod dir 0700': ({ sys }) => sys.chmod(D, 0o700),
  'stat dir after chmod': stat(D),
  'chmod dir back': ({ sys }) => sys.chmod(D, 0o755),
  'truncate 0': ({ sys }) => sys.truncate(F, 0),
  'stat after truncate 0': stat(F),
  'truncate 5': ({ sys }) => sys.truncate(F, 5),
  'stat after truncate 5': stat(F),
  'read after truncate 5': ({ sys }) => sys.readFile(F),
  'truncate -1': ({ sys }) => sys.truncate(F, -1),
  'truncate dir': ({ sys }) => sys.truncate(D, 0),
  'open O_WRONLY|O_TRUNC': open(O_WRONLY | O_TRUNC),
  'stat after O_TRUNC': stat(F),
  'ftruncate 7 on O_WRONLY': (run) => {
    keep(O_WRONLY)(run);
    run.sys.ftruncate(run.fd, 7);
    run.sys.close(run.fd);
  },
  'stat after ftruncate 7': stat(F),
  'open O_RDONLY|O_TRUNC': open(O_RDONLY | O_TRUNC),
  'read after O_TRUNC': ({ sys }) => sys.readFile(F),

  'u: fd a reads 5': (run) => {
    run.abc = [F, F, F].map((path) => run.sys.open(path));
    return run.sys.read(run.abc[0]!, 5);
  },
  'u: stat file before': stat(F),
  'u: stat dir before': stat(D),
  'u: unlink': ({ sys }) => sys.unlink(F),
  'u: stat file after': stat(F),
  'u: stat dir after': stat(D),
  'u: fstat a': ({ sys, abc }) => fstatText(sys.fstat(abc[0]!)),
  'u: fd a continues 10 (buffered before)': ({ sys, abc }) => sys.read(abc[0]!, 10),
  'u: fd a rest': ({ sys, abc }) => sys.read(abc[0]!, 1000),
  'u: fd b (opened before, unread)': ({ sys, abc }) => sys.read(abc[1]!, 1000),
  'u: fd b EOF': ({ sys, abc }) => sys.read(abc[1]!, 1000),
  'u: a lseek 0': ({ sys, abc }) => sys.lseek(abc[0]!, 0, 0),
  'u: a after rewind': ({ sys, abc }) => sys.read(abc[0]!, 1000),
  'u: c pread 4@1': ({ sys, abc }) => sys.pread(abc[2]!, 4, 1),
  'u: unlink again': ({ sys }) => sys.unlink(F),
  'u: readdir': readdir,
};

/** Recorded calls that this kernel does not have, or whose answer depends on what else the kernel was built with. */
const OUT_OF_REACH: readonly RegExp[] = [
  /^stat root$/, // its link count includes directories of other security modules
  /xattr|statfs|statx/,
  /preadv2|sendfile|copy_file_range|out size|splice|poll|ioctl|FIONREAD/,
  /fsync|fdatasync|sync_file_range|syncfs|fallocate|fadvise|readahead|flock|fcntl|F_SETLEASE|F_GETFL/,
  /execve|chdir|inotify|name_to_handle_at/,
  /\/proc\/self\/fd|reopen|linkat/, // descriptors are not files of procfs here
  /^mmap when i_size=3$/, // on a descriptor that the recording had closed by then
];

const USERS: Readonly<Record<string, User>> = {
  root: ROOT,
  user1000: { uid: 1000, gid: 1000, groups: [] },
  'user1000-grp0': { uid: 1000, gid: 1000, groups: [0] },
};

const PROFILES: Readonly<Record<string, string>> = {
  '6.1old': '6.1.148',
  '6.1': '6.1',
  '6.12': '6.12',
  '7.3': '7.3',
};

function boot(name: string): Kernel {
  const observer = createObserver({ record: true });
  const area = fromHex(parse.vectors.find(({ id }) => id === '01-doc4')!.area_hex);
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    context.memory.writePrivate(PLAIN_GUEST.area, area);
    return bootKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: kernelProfile(name),
      observer,
    });
  });
}

function perform(call: Call, run: Run): Omit<RecordedCall, 'call'> {
  try {
    const outcome = call(run);
    if (typeof outcome === 'string') return { ret: 0, errno: '', extra: outcome };
    if (typeof outcome === 'number') return { ret: outcome, errno: '', extra: '' };
    return outcome === undefined
      ? { ret: 0, errno: '', extra: '' }
      : { ret: outcome.length, errno: '', extra: toHex(outcome) };
  } catch (error) {
    if (error instanceof KernelError) return { ret: -1, errno: error.code, extra: '' };
    throw error;
  }
}

describe('system calls that four kernels answered', () => {
  for (const [kernelName, users] of Object.entries(matrix.kernels)) {
    for (const [userName, recorded] of Object.entries(users)) {
      it(`${kernelName} as ${userName}`, () => {
        const kernel = boot(PROFILES[kernelName]!);
        const run: Run = { sys: kernel.as(USERS[userName]!), fd: -1, abc: [] };
        const within = recorded.filter(({ call }) => !OUT_OF_REACH.some((pattern) => pattern.test(call)));
        const answered = within.map(({ call }) => {
          const perform1 = CALLS[call];
          if (perform1 === undefined) throw new Error(`the recorded call '${call}' is in neither list`);
          return { call, ...perform(perform1, run) };
        });
        expect(answered).toEqual(within);
      });
    }
  }

  it('are made, but for a known number', () => {
    const { root } = matrix.kernels['6.1']!;
    const names = root!.map(({ call }) => call);
    const out = names.filter((name) => OUT_OF_REACH.some((pattern) => pattern.test(name)));
    expect([names.length, out.length]).toEqual([226, 61]);
    expect(Object.keys(CALLS).filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('a deleted secret', () => {
  const paths = [D, SECRETS] as const;
  it.each([
    ['5.19', true],
    ['6.1.148', true],
    ['6.12.42', true],
    ['6.1', false],
    ['6.12', false],
    ['7.3', false],
  ] as const)('on %s moves the times of the directory: %s', (name, moves) => {
    const kernel = boot(name);
    const sys = kernel.as(ROOT);
    const before = paths.map((path) => sys.stat(path));
    kernel.observer.clock.now += 60_000_000_000n;
    sys.unlink(F);
    const [coco, secrets] = paths.map((path) => sys.stat(path));
    expect(coco!.mtime > before[0]!.mtime).toBe(moves);
    expect(coco!.ctime > before[0]!.ctime).toBe(moves);
    expect(secrets).toEqual(before[1]);
    expect(coco!.nlink).toBe(2);
  });

  it('is data and name zeroed, length kept, and nothing else', () => {
    const kernel = boot('6.1');
    const before = kernel.memory.readPrivate(PLAIN_GUEST.area, 166);
    kernel.as(ROOT).unlink(F);
    const expected = before.slice();
    expected.fill(0, 112, 128); // the last entry's GUID
    expected.fill(0, 132, 166); // its data; the length lies between
    expect(kernel.memory.readPrivate(PLAIN_GUEST.area, 166)).toEqual(expected);
    expect(before.subarray(128, 132)).toEqual(new Uint8Array([0x36, 0, 0, 0]));
  });

  it('stays when the user may not delete it', () => {
    const kernel = boot('6.1');
    const before = kernel.memory.readPrivate(PLAIN_GUEST.area, 166);
    expect(() => kernel.as(USERS['user1000-grp0']!).unlink(F)).toThrow(/EACCES/);
    expect(kernel.memory.readPrivate(PLAIN_GUEST.area, 166)).toEqual(before);
  });

  it('wipes with the length that the entry has at that time, if its area can hold it', () => {
    const kernel = boot('6.1');
    const length = (value: number): void =>
      kernel.memory.writePrivate(
        (PLAIN_GUEST.area + 128n) as typeof PLAIN_GUEST.area,
        new Uint8Array(new Uint32Array([value]).buffer),
      );
    const sys = kernel.as(ROOT);
    for (const value of [19, 0, 0xc00, 0xffff_ffff]) {
      length(value);
      expect(() => sys.readFile(F)).toThrow(/EFAULT/);
      expect(() => sys.unlink(F)).toThrow(/EFAULT/);
    }
    length(20 + 4);
    sys.unlink(F);
    expect(toHex(kernel.memory.readPrivate(PLAIN_GUEST.area, 166).subarray(112))).toBe(
      `${'00'.repeat(16)}18000000${'00'.repeat(4)}652d6172652d7468652d6b6174612d736563726574730001020304050607`,
    );
  });
});

describe('removing the module', () => {
  const release = (name: string): Kernel => {
    const kernel = boot(name);
    const fd = kernel.as(ROOT).open(D);
    kernel.run('rmmod efi_secret');
    kernel.as(ROOT).close(fd);
    return kernel;
  };

  it('up to 6.16 leaves `secrets` for ever when somebody is in the directory', () => {
    const kernel = release('6.12');
    expect(kernel.run(`ls ${SECRETS}`)).toMatchObject({ output: '', status: 0 });
    kernel.run('modprobe efi_secret');
    expect(
      kernel
        .dmesg()
        .slice(-2)
        .map((line) => line.replace(/^.*\] /, '')),
    ).toEqual([
      'efi_secret efi_secret.0: Error creating secrets securityfs directory entry err=-17',
      'efi_secret efi_secret.0: probe with driver efi_secret failed with error -17',
    ]);
  });

  it('since 6.17 takes the tree away', () => {
    const kernel = release('7.3');
    expect(kernel.run(`ls ${SECRETS}`).status).toBe(2);
    kernel.run('modprobe efi_secret');
    expect(kernel.run(`ls ${D}`).output.split('\n').length).toBe(5);
  });
});

it('observes each call on securityfs once, with the bytes that were read', () => {
  const kernel = boot('6.1');
  const sys = kernel.as(ROOT);
  const from = kernel.observer.events.length;
  const fd = sys.open(F);
  sys.read(fd, 5);
  sys.close(fd);
  expect(() => sys.mkdir(N)).toThrow(/EPERM/);
  sys.stat('/proc/iomem');
  const events = kernel.observer.events.slice(from).filter(({ type }) => type === 'syscall');
  expect(events.map((event) => event.type === 'syscall' && [event.name, event.path, event.result])).toEqual([
    ['open', F, fd],
    ['read', F, 5],
    ['close', F, 0],
    ['mkdir', N, '-EPERM'],
  ]);
  expect(events.map(({ closed: { data } = {} }) => data && toHex(data))).toEqual([
    undefined,
    '7468657365',
    undefined,
    undefined,
  ]);
});
