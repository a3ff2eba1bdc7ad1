import { padTo } from '@sevlab/codec/bytes';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flipBit } from '../test/flip.ts';
import { macEqual } from './mac.ts';
import { decryptPacket, packetMac, sealPacket } from './packet.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const input = fc.record({
  tek: bytes(16),
  tik: bytes(16),
  measure: fc.option(bytes(32), { nil: undefined }),
  iv: bytes(16),
  flags: fc.integer({ min: 0, max: 0xffff_ffff }),
  plaintext: fc.uint8Array({ maxLength: 200 }),
});

test('what was sealed is opened, with zeros behind it', () => {
  fc.assert(
    fc.property(input, (given) => {
      const { header, data } = sealPacket(given);
      expect(macEqual(packetMac({ ...given, header, guestLen: data.length, data }), header.mac)).toBe(true);
      expect(decryptPacket(given.tek, header.iv, data)).toEqual(padTo(given.plaintext, data.length));
    }),
  );
});

test('any flipped bit of header or data is noticed', () => {
  fc.assert(
    fc.property(input, fc.nat(), fc.nat(), (given, headerBit, dataBit) => {
      const sealed = sealPacket(given);
      const guestLen = sealed.data.length;
      const encoded = PacketHeader.encode(sealed.header);
      const header = PacketHeader.decode(flipBit(encoded, headerBit % (8 * encoded.length)));
      expect(macEqual(packetMac({ ...given, header, guestLen, data: sealed.data }), header.mac)).toBe(false);
      const data = flipBit(sealed.data, dataBit % (8 * guestLen));
      const mac = packetMac({ ...given, header: sealed.header, guestLen, data });
      expect(macEqual(mac, sealed.header.mac)).toBe(false);
    }),
  );
});
