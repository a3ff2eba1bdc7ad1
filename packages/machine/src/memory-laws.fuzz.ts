import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { type Gpa, gpa, type Spa, spa } from '@sevlab/codec/address';
import { indexOfBytes, toHex } from '@sevlab/codec/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMachine, type GuestContext, type Machine } from './machine.ts';
import type { EncryptionMode } from './xex.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const ASID = 100;

/** RAM to 5 MiB, RAM to 7 MiB in other frames, a hole of 1 MiB, RAM to 9 MiB; one page lies elsewhere. */
const REGIONS = [
  { gpa: gpa(0n), length: BigInt(5 * MIB) },
  { gpa: gpa(BigInt(5 * MIB)), length: BigInt(2 * MIB) },
  { gpa: gpa(BigInt(8 * MIB)), length: BigInt(MIB) },
];
const MOVED = 3 * MIB;
const isRam = (at: number): boolean => at < 7 * MIB || (at >= 8 * MIB && at < 9 * MIB);

interface Setup {
  readonly machine: Machine;
  readonly guest: number;
  readonly inGuest: <T>(software: (context: GuestContext) => T) => T;
}

function setUp(encryption: EncryptionMode = 'XEX'): Setup {
  const machine = createMachine({
    ...{ part: 'genoa', encryption, entropy: seededEntropy('laws', 'machine') },
    observer: createObserver(),
  });
  const guest = machine.host.createGuest(REGIONS);
  machine.host.remap(guest, gpa(BigInt(MOVED)), spa(0x2_0000_5000n));
  machine.secureProcessor.memory.installKey(ASID, seededEntropy('laws', 'key').bytes(32));
  machine.secureProcessor.memory.setRunnable(ASID, true);
  return { machine, guest, inGuest: (software) => machine.host.vmrun(guest, ASID, software) };
}

/** The cells of a guest-physical range, as the host reads them; nothing where there is no memory. */
function hostReads({ machine: { host }, guest }: Setup, address: Gpa, length: number): Uint8Array {
  const places = host.locate(guest, address, length);
  return Buffer.concat(
    places.flatMap((place) => (place.spa === undefined ? [] : [host.memory.read(place.spa, place.length)])),
  );
}

const oneSpa = ({ machine: { host }, guest }: Setup, address: Gpa): Spa =>
  host.locate(guest, address, 1)[0]!.spa!;

const edge = fc.constantFrom(
  16,
  4 * KIB,
  2 * MIB,
  MOVED,
  MOVED + 4 * KIB,
  5 * MIB,
  7 * MIB,
  8 * MIB,
  9 * MIB,
);
const place = fc.tuple(edge, fc.integer({ min: -70, max: 70 })).map(([at, by]) => Math.max(0, at + by));
const content = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc
    .tuple(fc.integer({ min: 4000, max: 9000 }), fc.nat({ max: 255 }))
    .map(([n, byte]) => new Uint8Array(n).fill(byte)),
);
/** A block's address in RAM. */
const block = fc
  .oneof(
    fc.nat({ max: (7 * MIB) / 16 - 1 }),
    edge.map((at) => (at === 9 * MIB || at === 7 * MIB ? at / 16 - 1 : at / 16)),
  )
  .map((number) => gpa(BigInt(number * 16)));
const block16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

test.each<'Private' | 'Shared'>(['Private', 'Shared'])(
  'write%s changes what it names, at any alignment, and no other byte; outside RAM it is lost',
  (view) => {
    const setup = setUp();
    fc.assert(
      fc.property(place, content, (at, bytes) => {
        const around = Math.max(0, at - 40);
        const length = at - around + bytes.length + 40;
        setup.inGuest(({ memory }) => {
          const expected = memory[`read${view}`](gpa(BigInt(around)), length);
          bytes.forEach((byte, i) => {
            if (isRam(at + i)) expected[at + i - around] = byte;
          });
          memory[`write${view}`](gpa(BigInt(at)), bytes);
          const after = memory[`read${view}`](gpa(BigInt(around)), length);
          expect(toHex(after)).toBe(toHex(expected));
          after.forEach((byte, i) => {
            if (!isRam(around + i)) expect(byte).toBe(0);
          });
        });
      }),
    );
  },
);

test('a private read of a part is that part of a private read of the whole', () => {
  const setup = setUp();
  fc.assert(
    fc.property(place, fc.nat({ max: 80 }), fc.nat({ max: 80 }), (at, skip, length) => {
      setup.inGuest(({ memory }) => {
        const whole = memory.readPrivate(gpa(BigInt(at)), skip + length);
        const part = memory.readPrivate(gpa(BigInt(at + skip)), length);
        expect(toHex(part)).toBe(toHex(whole.subarray(skip)));
      });
    }),
  );
});

test('no 8 bytes of private plaintext are in the cells', () => {
  const setup = setUp();
  fc.assert(
    fc.property(place, fc.uint8Array({ minLength: 8, maxLength: 200 }), (at, plain) => {
      setup.inGuest(({ memory }) => memory.writePrivate(gpa(BigInt(at)), plain));
      const start16 = at - (at % 16);
      const cells = hostReads(
        setup,
        gpa(BigInt(start16)),
        Math.ceil((at + plain.length - start16) / 16) * 16,
      );
      for (let start = 0; start + 8 <= plain.length; start++) {
        expect(indexOfBytes(cells, plain.subarray(start, start + 8))).toBe(-1);
      }
    }),
  );
});

test('shared bytes are the cells', () => {
  const setup = setUp();
  fc.assert(
    fc.property(block, block16, (at, bytes) => {
      setup.inGuest(({ memory }) => memory.writeShared(at, bytes));
      expect(hostReads(setup, at, 16)).toEqual(Buffer.from(bytes));
    }),
  );
});

test('one plaintext at one address is always one ciphertext, at another address another', () => {
  const setup = setUp();
  const write = (at: Gpa, plain: Uint8Array): string => {
    setup.inGuest(({ memory }) => memory.writePrivate(at, plain));
    return toHex(hostReads(setup, at, 16));
  };
  fc.assert(
    fc.property(block, block, block16, block16, (here, there, plain, other) => {
      const first = write(here, plain);
      if (here !== there) expect(write(there, plain)).not.toBe(first);
      if (toHex(other) !== toHex(plain)) expect(write(here, other)).not.toBe(first);
      expect(write(here, plain)).toBe(first);
    }),
  );
});

test('another key gives another ciphertext, and reads garbage', () => {
  const setup = setUp();
  setup.machine.secureProcessor.memory.installKey(ASID + 1, seededEntropy('laws', 'other').bytes(32));
  fc.assert(
    fc.property(block, block16, (at, plain) => {
      const { memory } = setup.machine;
      const cells = memory.writeEncrypted(ASID, oneSpa(setup, at), plain).cells;
      expect(toHex(memory.readEncrypted(ASID + 1, oneSpa(setup, at), 16))).not.toBe(toHex(plain));
      const other = memory.writeEncrypted(ASID + 1, oneSpa(setup, at), plain).cells;
      expect(toHex(other)).not.toBe(toHex(cells));
    }),
  );
});

test('one flipped bit of ciphertext garbles its block and leaves the others alone', () => {
  const setup = setUp();
  const { host } = setup.machine;
  fc.assert(
    fc.property(block16, fc.nat({ max: 7 }), fc.nat({ max: 127 }), (plain, number, bit) => {
      const start = gpa(BigInt(2 * MIB - 64));
      const before = Buffer.concat(Array(8).fill(plain));
      setup.inGuest(({ memory }) => memory.writePrivate(start, before));
      const at = spa(oneSpa(setup, gpa(start + BigInt(number * 16))) + BigInt(bit >> 3));
      host.memory.write(at, Uint8Array.of(host.memory.read(at, 1)[0]! ^ (1 << (bit & 7))));
      const after = setup.inGuest(({ memory }) => memory.readPrivate(start, before.length));
      for (let i = 0; i < 8; i++) {
        const same = toHex(after.subarray(i * 16, i * 16 + 16)) === toHex(plain);
        expect(same, `block ${i}`).toBe(i !== number);
      }
      const differing = after.subarray(number * 16, number * 16 + 16).filter((byte, i) => byte !== plain[i]);
      expect(differing.length).toBeGreaterThan(4); // AES spreads one bit over the block
    }),
  );
});

test('XEX: ciphertext that was moved elsewhere decrypts to garbage; put back, to the plaintext', () => {
  const setup = setUp();
  const { host } = setup.machine;
  fc.assert(
    fc.property(block, block, block16, (here, there, plain) => {
      fc.pre(here !== there);
      setup.inGuest(({ memory }) => memory.writePrivate(here, plain));
      const cells = host.memory.read(oneSpa(setup, here), 16);
      host.memory.write(oneSpa(setup, there), cells);
      const read = (at: Gpa) => toHex(setup.inGuest(({ memory }) => memory.readPrivate(at, 16)));
      expect(read(there)).not.toBe(toHex(plain));
      setup.inGuest(({ memory }) => memory.writePrivate(here, new Uint8Array(16)));
      host.memory.write(oneSpa(setup, here), cells); // a replay: there is no integrity
      expect(read(here)).toBe(toHex(plain));
    }),
  );
});

test('a private range that crosses a moved page lies in pieces, each under its own address', () => {
  const setup = setUp();
  const start = gpa(BigInt(MOVED - 24));
  const plain = Uint8Array.from({ length: 4 * KIB + 48 }, (_, i) => i % 251);
  setup.inGuest(({ memory }) => memory.writePrivate(start, plain));
  const places = setup.machine.host.locate(setup.guest, start, plain.length);
  expect(places.map(({ length }) => length)).toEqual([24, 4 * KIB, 24]);
  expect(places[1]?.spa).toBe(0x2_0000_5000n);
  const { memory } = setup.machine;
  expect(toHex(memory.readEncrypted(ASID, places[1]!.spa!, 4 * KIB))).toBe(
    toHex(plain.subarray(24, 4 * KIB + 24)),
  );
});

test('megabytes at an odd place are written and read back', () => {
  const setup = setUp();
  const plain = Uint8Array.from({ length: 3 * MIB + 5 }, (_, i) => (i * 2_654_435_761) >>> 24);
  const at = gpa(BigInt(MIB + 7));
  const read = setup.inGuest(({ memory }) => {
    memory.writePrivate(at, plain);
    return memory.readPrivate(at, plain.length);
  });
  expect(Buffer.compare(read, plain)).toBe(0);
});

test('writing nothing changes nothing, wherever it is', () => {
  const { machine } = setUp();
  expect(machine.memory.writeEncrypted(ASID, spa(0x1005n), new Uint8Array(0)).cells).toHaveLength(0);
  expect([...machine.host.memory.touchedPages()]).toEqual([]);
});
