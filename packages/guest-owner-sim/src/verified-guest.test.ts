import { createDecipheriv, createHmac } from 'node:crypto';
import { concat, equal, utf8 } from '@sevlab/codec/bytes';
import { readSecretTable } from '@sevlab/codec/efi/secret-table';
import { DISK_PASSPHRASE_GUID, NULL_GUID, parseGuid, SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { AreaBlock, buildGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { expect, test } from 'vitest';
import { makeOwner } from '../test/platform.ts';
import { VerifiedGuest } from './verified-guest.ts';

const TEK = new Uint8Array(16).fill(0x11);
const TIK = new Uint8Array(16).fill(0x22);
const MEASURE = new Uint8Array(32).fill(0x33);
const GENOA = { apiMajor: 1, apiMinor: 55, build: 25 };
const PASSPHRASE = { guid: DISK_PASSPHRASE_GUID, data: utf8('correct horse') };

/** An image whose secret area has that many bytes. */
function imageWith(areaSize: number): Uint8Array {
  const data = AreaBlock.encode({ base: 0x81_0000, size: areaSize });
  const table = buildGuidedTable([{ guid: SEV_SECRET_BLOCK_GUID, data }]);
  return concat(new Uint8Array(4096 - table.length - 32), table, new Uint8Array(32));
}

/** The guest of a launch that was verified. */
function verified(image: Uint8Array = new Uint8Array(4096), version = GENOA) {
  const owner = makeOwner({ launch: { image } });
  owner.state.sessions.push({ tek: TEK, tik: TIK, spent: true, measure: MEASURE });
  return { owner, guest: new VerifiedGuest(owner, 0, version) };
}

/** The plaintext, by the document's words alone: MAC over 01h, FLAGS, IV, both lengths, data and `bound`. */
function open(header: Uint8Array, data: Uint8Array, bound: Uint8Array): Uint8Array {
  const lengths = new Uint8Array(8);
  new DataView(lengths.buffer).setUint32(0, data.length, true);
  new DataView(lengths.buffer).setUint32(4, data.length, true);
  const input = concat(Uint8Array.of(1), header.subarray(0, 20), lengths, data, bound);
  expect(createHmac('sha256', TIK).update(input).digest().equals(header.subarray(20))).toBe(true);
  return new Uint8Array(createDecipheriv('aes-128-ctr', TEK, header.subarray(4, 20)).update(data));
}

test('a packet opens to the secret table, padded with zeros to whole blocks', () => {
  const { header, data } = verified().guest.packSecrets([PASSPHRASE]);
  expect(header).toHaveLength(52);
  expect(data).toHaveLength(64); // 20 + 20 + 13 bytes
  const plaintext = open(header, data, MEASURE);
  const { entries, error } = readSecretTable(plaintext);
  expect(error).toBeUndefined();
  expect(entries).toMatchObject([PASSPHRASE]);
  expect(plaintext.subarray(53)).toEqual(new Uint8Array(11));
});

test('before API 0.17 nothing binds a packet to its launch', () => {
  const { guest } = verified(undefined, { apiMajor: 0, apiMinor: 16, build: 12 });
  const { header, data } = guest.packSecrets([PASSPHRASE]);
  expect(open(header, data, new Uint8Array(0))).toHaveLength(64);
});

test('each packet has an IV of its own, so the same secret never looks the same', () => {
  const { guest } = verified();
  const packets = Array.from({ length: 50 }, () => guest.packSecrets([PASSPHRASE]));
  const ivs = packets.map(({ header }) => Buffer.from(header.subarray(4, 20)).toString('hex'));
  expect(new Set(ivs).size).toBe(50);
  expect(equal(packets[0]!.data, packets[1]!.data)).toBe(false);
});

test('of a fork seals as the parent would, and moves only its own entropy', () => {
  const { owner, guest } = verified();
  const fork = guest.fork(owner.fork(owner.observer.fork()));
  const [first, second] = [fork.packSecrets([PASSPHRASE]), fork.packSecrets([PASSPHRASE])];
  expect(guest.packSecrets([PASSPHRASE])).toEqual(first);
  expect(guest.packSecrets([PASSPHRASE])).toEqual(second);
});

test.each([53, 52])('a table of 53 bytes for an area of %i', (size) => {
  const { guest } = verified(imageWith(size));
  if (size >= 53) expect(guest.packSecrets([PASSPHRASE]).data).toHaveLength(64);
  else
    expect(() => guest.packSecrets([PASSPHRASE])).toThrow(
      new RangeError(
        "the secret table has 53 bytes; expected at most 52, the size of the image's secret area",
      ),
    );
});

test.each([
  ['twice the same GUID', [PASSPHRASE, { ...PASSPHRASE, data: utf8('other') }], /given twice/],
  [
    'not in a row',
    [PASSPHRASE, { guid: parseGuid('00000000-0000-4000-8000-000000000001'), data: utf8('') }, PASSPHRASE],
    /given twice/,
  ],
  ['NULL_GUID', [{ guid: NULL_GUID, data: utf8('x') }], /NULL_GUID/],
])('refuses %s, and seals nothing', (_, secrets, message) => {
  const { owner, guest } = verified();
  expect(() => guest.packSecrets(secrets)).toThrow(RangeError);
  expect(() => guest.packSecrets(secrets)).toThrow(message);
  expect(owner.state.entropy.draws).toBe(0);
  expect(owner.observer.events).toEqual([]);
});

test('the plaintext is closed in what is recorded', () => {
  const { owner, guest } = verified();
  const { header, data } = guest.packSecrets([PASSPHRASE]);
  expect(owner.observer.events).toMatchObject([
    { type: 'message', name: 'packet', actor: 'guest-owner', to: 'host', open: { header, data } },
  ]);
  const { closed, ...shown } = owner.observer.events[0]!;
  expect(Buffer.from(closed!.plaintext!).includes('correct horse')).toBe(true);
  for (const bytes of Object.values(shown.open!))
    expect(Buffer.from(bytes).includes('correct horse')).toBe(false);
});
