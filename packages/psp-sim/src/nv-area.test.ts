import { seededEntropy } from '@sevlab/ambient/entropy';
import { concat, indexOfBytes, toHex } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import { createIdentity, deriveCek, type PlatformIdentity } from './identity.ts';
import { emptyNvArea, isEmpty, NV_AREA_SIZE, NV_RECORD_SIZE, openIdentity, sealIdentity } from './nv-area.ts';

const VERSION = { apiMajor: 1, apiMinor: 55, build: 25 };
const cuk = new Uint8Array(32).fill(0x5a);
const identity = createIdentity(deriveCek(cuk, VERSION), VERSION, seededEntropy('test', 'identity'));
const external: PlatformIdentity = { ...identity, oca: { ...identity.oca, key: undefined } };
const record = sealIdentity(cuk, identity, seededEntropy('test', 'iv'));
const area = concat(record, emptyNvArea().subarray(record.length));

test.each([
  ['its own', identity],
  ["somebody else's", external],
])('an identity with %s OCA comes back whole', (_, sealed) => {
  expect(openIdentity(cuk, sealIdentity(cuk, sealed, seededEntropy('test', 'iv')))).toEqual(sealed);
});

test('any flipped byte of the record is noticed, and no byte behind it matters', () => {
  const accepted: number[] = [];
  for (let at = 0; at < NV_RECORD_SIZE; at++) {
    const damaged = record.slice();
    damaged[at]! ^= 0x80;
    if (isEmpty(damaged) || openIdentity(cuk, damaged) !== undefined) accepted.push(at);
  }
  expect(accepted).toEqual([]);
  expect(openIdentity(cuk, concat(record, new Uint8Array(NV_AREA_SIZE - record.length)))).toEqual(identity);
});

test('no other chip opens it', () => {
  const other = cuk.slice();
  other[31]! ^= 1;
  expect(openIdentity(other, area)).toBeUndefined();
});

test('the host reads no private key in it, nor that two records hold the same identity', () => {
  for (const { key } of [identity.oca, identity.pek, identity.pdh]) {
    expect(indexOfBytes(record, key!.d.subarray(0, 8))).toBe(-1);
    expect(indexOfBytes(record, key!.d.toReversed().subarray(0, 8))).toBe(-1);
  }
  const again = sealIdentity(cuk, identity, seededEntropy('test', 'another iv'));
  const common = again.filter((byte, at) => byte === record[at]).length;
  expect(common).toBeLessThan(record.length / 64);
  expect(toHex(again.subarray(0, 4))).toBe(toHex(record.subarray(0, 4)));
});

test('only an area that starts with four bytes of FF is empty', () => {
  expect(emptyNvArea().length).toBe(0x8000);
  expect(isEmpty(emptyNvArea())).toBe(true);
  expect(isEmpty(Uint8Array.of(0xff, 0xff, 0xff, 0xfe, 0xff))).toBe(false);
  expect(isEmpty(area)).toBe(false);
  expect(isEmpty(new Uint8Array(NV_AREA_SIZE))).toBe(false);
});
