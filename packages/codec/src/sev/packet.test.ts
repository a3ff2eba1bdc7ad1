import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import packets from '../../test/vectors/packets.json' with { type: 'json' };
import { equal, fromHex, toHex } from '../bytes.ts';
import { PacketHeader, packetMacInput } from './packet.ts';

const hmac = (key: Uint8Array, input: Uint8Array): string =>
  createHmac('sha256', key).update(input).digest('hex');

const cases = packets.cases.map((packet, number) => ({
  title: `packet ${number}, sealed by ${packet.by}`,
  tik: fromHex(packet.tik),
  header: PacketHeader.decode(fromHex(packet.header)),
  data: fromHex(packet.data),
  measure: packet.coversMeasure ? fromHex(packet.measure) : undefined,
}));

test.each(cases)('$title: its MAC covers what we say', ({ tik, header, data, measure }) => {
  expect(hmac(tik, packetMacInput(header, data.length, data, measure))).toBe(toHex(header.mac));
});

test.each(cases)('$title: its MAC covers nothing else', ({ tik, header, data, measure }) => {
  const right = packetMacInput(header, data.length, data, measure);
  for (let at = 0; at < right.length; at++) {
    const wrong = right.slice();
    wrong[at]! ^= 1;
    expect(equal(fromHex(hmac(tik, wrong)), header.mac), `byte ${at}`).toBe(false);
  }
});

test('packets of every kind are among them', () => {
  expect(cases).toHaveLength(9);
  expect(cases.filter(({ measure }) => measure === undefined)).toHaveLength(2);
});

test('GUEST_LEN and the length of the data are authenticated apart', () => {
  const input = packetMacInput({ flags: 1, iv: new Uint8Array(16) }, 0x40, new Uint8Array(0x20), undefined);
  expect(toHex(input)).toBe(`0101000000${'00'.repeat(16)}4000000020000000${'00'.repeat(32)}`);
});
