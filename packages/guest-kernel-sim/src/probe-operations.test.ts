import { toHex } from '@sevlab/codec/bytes';
import { describe, expect, it } from 'vitest';
import { PLAIN_GUEST } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';
import { probeArea } from './standalone.ts';

const files: Readonly<Record<string, Uint8Array>> = {
  four: new Uint8Array([1, 2, 3, 4]),
  'most.bin': new Uint8Array(0x20_0000),
  'more.bin': new Uint8Array(0x20_0001),
};

const run = (...operations: string[]) =>
  probeArea({
    area: new Uint8Array(),
    profile: kernelProfile('6.1'),
    mode: 'load',
    operations,
    readFile: (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
  });

const ADDRESS = 'expected an address such as 0x80c000, got';
const NAME = 'expected a GUID or a path, got';
const BYTES = 'expected a number of bytes from 0 to 2097152, decimal or 0x…, got';
const DIGITS = 'expected an even number of hexadecimal digits, got';
const DESCRIPTOR = 'expected a descriptor from 0 to 15, decimal or 0x…, got';
const MEMORY = 'expected a range within guest memory, which ends at 0x8000000, got';
const READ = 'expected a number of bytes from 0 to 65536, decimal or 0x…, got';
const NUMBER = 'expected a number, decimal or 0x…, got';
const MODE = 'expected a mode of one to four octal digits, got';
const USER = 'expected a user from 0 to 4294967294, decimal or 0x…, got';
const GROUP = 'expected a group from 0 to 4294967294, decimal or 0x…, got';

describe('an operation that cannot be', () => {
  it.each([
    ['mem', `${ADDRESS} nothing`],
    ['mem A 16', `${ADDRESS} 'A'`],
    ['mem -1 16', `${ADDRESS} '-1'`],
    ['mem 1e3 16', `${ADDRESS} '1e3'`],
    ['mem 0b1 16', `${ADDRESS} '0b1'`],
    ['mem 0', `${BYTES} nothing`],
    ['mem 0 99999999999999', `${BYTES} '99999999999999'`],
    ['mem 0 0x200001', `${BYTES} '0x200001'`],
    ['mem 0x80c000 -5', `${BYTES} '-5'`],
    ['mem 0x80c000 many', `${BYTES} 'many'`],
    ['mem 0x80c000 1.5', `${BYTES} '1.5'`],
    ['mem 0x7fffff0 17', `${MEMORY} 0x7fffff0 to 0x8000001`],
    ['mem 0xffffffffffffffffff 1', `${MEMORY} 0xffffffffffffffffff to 0x1000000000000000000`],
    ['mem 0 16 16', "expected no more words, got '16'"],
    ['puthex', `${ADDRESS} nothing`],
    ['puthex zz zz', `${ADDRESS} 'zz'`],
    ['puthex 0x80c000', `${DIGITS} nothing`],
    ['puthex 0x80c000 zz', `${DIGITS} 'zz'`],
    ['puthex 0x80c000 000', `${DIGITS} '000'`],
    ['puthex 0x7ffffff 0000', `${MEMORY} 0x7ffffff to 0x8000001`],
    ['put A', `${ADDRESS} 'A'`],
    ['put 0x80c000', 'expected the path of a file, got nothing'],
    ['put 0x80c000 0011', "expected the path of a file, got '0011'"],
    ['put 0x80c000 more.bin', 'expected at most 2097152 bytes, got 2097153 bytes'],
    ['put 0x7fffffd four', `${MEMORY} 0x7fffffd to 0x8000001`],
    ...['stat', 'read', 'rm', 'rmdir', 'mkdir', 'mknod', 'symlink', 'create', 'write'].map((op) => [
      op,
      `${NAME} nothing`,
    ]),
    ...['otrunc', 'trunc', 'chmod', 'chown', 'utime', 'times', 'cat', 'mmap', 'open', 'link', 'rename'].map(
      (op) => [op, `${NAME} nothing`],
    ),
    ['link x', `${NAME} nothing`],
    ['rename x', `${NAME} nothing`],
    ['mknod x door', "expected one of fifo file char socket, got 'door'"],
    ...['load', 'unload', 'autoload', 'mount', 'umount', 'bind', 'unbind', 'readall'].map((op) => [
      `${op} x`,
      "expected no more words, got 'x'",
    ]),
    ['ls x y', "expected no more words, got 'y'"],
    ['rm x y', "expected no more words, got 'y'"],
    ['trunc x', `${NUMBER} nothing`],
    ['trunc x 0x', `${NUMBER} '0x'`],
    ['trunc x --1', `${NUMBER} '--1'`],
    ['trunc x 9007199254740992', `${NUMBER} '9007199254740992'`],
    ['chmod x 9', `${MODE} '9'`],
    ['chmod x 07777', `${MODE} '07777'`],
    ['chown x 1', `${GROUP} nothing`],
    ['chown x -1 0', `${USER} '-1'`],
    ['chown x 0 4294967295', `${GROUP} '4294967295'`],
    ['open x', `${DESCRIPTOR} nothing`],
    ['open x 16', `${DESCRIPTOR} '16'`],
    ['fdread', `${DESCRIPTOR} nothing`],
    ['fdread a 1', `${DESCRIPTOR} 'a'`],
    ['fdread 1 1x', `${READ} '1x'`],
    ['fdpread 1 65537 0', `${READ} '65537'`],
    ['fdpread 1 8', `${NUMBER} nothing`],
    ['fdseek 1 0', `${NUMBER} nothing`],
    ['fdstat', `${DESCRIPTOR} nothing`],
    ['fdclose -1', `${DESCRIPTOR} '-1'`],
    ['as x y ls', `${USER} 'x'`],
    ['as 1000 y ls', `${GROUP} 'y'`],
    ['as 1000 1000', 'expected one of ls read rm stat, got nothing'],
    ['as 1000 1000 mkdir', "expected one of ls read rm stat, got 'mkdir'"],
    ['as 1000 1000 rm', `${NAME} nothing`],
    ['as 1000 1000 read x y', "expected no more words, got 'y'"],
  ])('%s', (line, message) => {
    expect(() => run(line)).toThrow(new RangeError(`operation '${line}': ${message}`));
  });

  it.each([
    ['shred x', "'shred'"],
    ['constructor', "'constructor'"],
    ['', 'nothing'],
  ])("'%s' is answered with those that there are", (line, got) => {
    const known =
      'load unload autoload mount umount bind unbind ls stat read readall rm rmdir mkdir mknod symlink link rename ' +
      'create write otrunc trunc chmod chown utime times mmap open fdread fdpread fdseek fdstat fdclose as put puthex ' +
      'mem cat';
    expect(() => run(line)).toThrow(
      new RangeError(`operation '${line}': expected one of ${known}, got ${got}`),
    );
  });

  it('is found before any other runs', () => {
    const read: string[] = [];
    const readFile = (path: string): undefined => void read.push(path);
    const input = { area: new Uint8Array(), profile: kernelProfile('6.1'), mode: 'load' as const };
    expect(() => probeArea({ ...input, operations: ['rm', 'put 0 x'], readFile })).toThrow(/operation 'rm'/);
    expect(read).toEqual([]);
  });

  it('put without a reader of files', () => {
    const input = { area: new Uint8Array(), profile: kernelProfile('6.1'), mode: 'load' as const };
    expect(() => probeArea({ ...input, operations: ['put 0x80c000 four'] })).toThrow(
      "expected the path of a file, got 'four'",
    );
  });
});

describe('memory', () => {
  it('takes a file and digits, and is told in full', () => {
    const { ops } = run(
      'put 0x80c000 four',
      'puthex 0x80C004 fF05',
      '  mem   8437760 0x10 ',
      'mem 0x80c000 0',
    );
    expect(ops).toEqual([
      { op: 'puthex', len: 2, rc: 0 },
      { op: 'mem', arg: '8437760', len: 16, rc: 0, runs: [[0, '01020304ff05']] },
      { op: 'mem', arg: '0x80c000', len: 0, rc: 0, runs: [] },
    ]);
  });

  it('can be named to its last byte, and 2 MiB at a time', () => {
    const most = `${PLAIN_GUEST.ramSize - 0x20_0000n}`;
    const { ops } = run(`put ${most} most.bin`, 'puthex 0x7ffffff 07', `mem ${most} 0x200000`);
    expect(ops?.at(-1)).toMatchObject({ len: 0x20_0000, runs: [[0x1f_ffff, toHex(new Uint8Array([7]))]] });
  });
});

it('the kernel judges offsets and lengths that are negative', () => {
  const LSM = '/sys/kernel/security/lsm';
  const { ops } = run(`open ${LSM} 15`, 'fdseek 15 -1 0', 'fdpread 15 1 -1', 'fdread 14', `trunc ${LSM} -1`);
  expect(ops?.map(({ rc, err }) => err ?? rc)).toEqual([0, 'EINVAL', 'EINVAL', 'EBADF', 'EINVAL']);
});
