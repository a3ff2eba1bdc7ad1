import { createHash } from 'node:crypto';
import { gpa } from '@sevlab/codec/address';
import { concat, fromHex, toHex, utf8 } from '@sevlab/codec/bytes';
import { SEV_HASH_TABLE_BLOCK_GUID } from '@sevlab/codec/guid';
import { AreaBlock } from '@sevlab/codec/ovmf/guided-table';
import { encodeHashesTable, HASHES_TABLE_SIZE } from '@sevlab/codec/ovmf/hashes-table';
import { describe, expect, test } from 'vitest';
import { imageWith, paddr, recordingHost } from '../test/recording-host.ts';
import { bootItems, type DirectBoot, findHashesArea, hashesTable } from './direct-boot.ts';
import { VmmError } from './errors.ts';
import { createVmm, type LaunchRequest } from './vmm.ts';

const MIB = 1n << 20n;
const AREA = 0x81_0c00;
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const withHashesArea = (base: number, size: number) =>
  imageWith([{ guid: SEV_HASH_TABLE_BLOCK_GUID, data: AreaBlock.encode({ base, size }) }]);

/** Bytes where a loader would write: QEMU patches these without SEV. */
const KERNEL = Uint8Array.from({ length: 0x400 }, (_, i) => i);
const SHA256_OF_NUL = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d';
const SHA256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('the table of hashes', () => {
  test('without a command line: that of one NUL', () => {
    const table = hashesTable({ kernel: KERNEL, commandLine: '' });
    expect(toHex(table)).toBe(
      toHex(
        encodeHashesTable({
          commandLine: fromHex(SHA256_OF_NUL),
          initrd: fromHex(SHA256_OF_NOTHING),
          kernel: sha256(KERNEL),
        }),
      ),
    );
  });

  test('without an initrd: that of nothing, as for an empty one', () => {
    const without: DirectBoot = { kernel: KERNEL, commandLine: 'quiet' };
    const table = hashesTable(without);
    expect(toHex(table.subarray(68 + 18, 118))).toBe(SHA256_OF_NOTHING);
    expect(hashesTable({ ...without, initrd: new Uint8Array() })).toEqual(table);
  });

  test('the command line is hashed with its NUL, in UTF-8', () => {
    const table = hashesTable({ kernel: KERNEL, commandLine: 'hellø' });
    expect(table.subarray(18 + 18, 68)).toEqual(sha256(concat(utf8('hellø'), Uint8Array.of(0))));
  });

  test('the file of the kernel is hashed and offered as it is, setup header and all', () => {
    const directBoot: DirectBoot = { kernel: KERNEL, commandLine: 'quiet' };
    const offered = new Map(bootItems(directBoot)).get('etc/boot/kernel');
    expect(offered).toEqual(Uint8Array.from({ length: 0x400 }, (_, i) => i));
    expect(hashesTable(directBoot).subarray(118 + 18, 168)).toEqual(sha256(offered!));
  });
});

test.each<[string, Uint8Array, RegExp]>([
  ['no table at all', new Uint8Array(0x2000), /no hashes table GUID/],
  ['no entry', imageWith([]), /no hashes table GUID/],
  ['base 0', withHashesArea(0, 0x400), /its hashes table area is invalid: .* got base 0x0 and size 1024/],
  [
    'a size below that of the table',
    withHashesArea(AREA, HASHES_TABLE_SIZE - 1),
    /area is invalid: .* and size 175/,
  ],
  [
    'an entry without base and size',
    imageWith([{ guid: SEV_HASH_TABLE_BLOCK_GUID, data: new Uint8Array(4) }]),
    /area is invalid: .* an entry without them/,
  ],
])('an image with %s: no hashes are measured', (_, image, message) => {
  expect(() => findHashesArea(image)).toThrow(VmmError);
  expect(() => findHashesArea(image)).toThrow(message);
});

describe('at the launch', () => {
  const request: LaunchRequest = {
    ...{ image: withHashesArea(AREA, HASHES_TABLE_SIZE), memorySize: 64n * MIB, policy: 1 },
    directBoot: { kernel: KERNEL, commandLine: 'quiet' },
  };

  /** What LAUNCH_UPDATE_DATA was shown, and what lies in the area afterwards. */
  function launched(change: Partial<LaunchRequest>) {
    const { host, arrived } = recordingHost(() => ({ fields: { handle: 5 } }));
    const { record } = createVmm(host, 'genoa').launch({ ...request, ...change });
    const [place] = host.locate(record.guest, gpa(BigInt(AREA)), HASHES_TABLE_SIZE);
    const updates = arrived.filter(({ name }) => name === 'LAUNCH_UPDATE_DATA');
    return {
      measured: updates.map(({ fields }) => host.memory.read(paddr(fields.paddr), Number(fields.length))),
      area: host.memory.read(place!.spa!, HASHES_TABLE_SIZE),
    };
  }

  test('the image is measured, then the 176 bytes of the table in its place', () => {
    const { measured, area } = launched({ kernelHashes: true });
    expect(measured).toEqual([request.image, hashesTable(request.directBoot!)]);
    expect(area).toEqual(measured[1]);
  });

  test('nothing is written and nothing measured unless kernel hashes are asked for', () => {
    const { measured, area } = launched({});
    expect(measured).toEqual([request.image]);
    expect(area).toEqual(new Uint8Array(HASHES_TABLE_SIZE));
  });
});
