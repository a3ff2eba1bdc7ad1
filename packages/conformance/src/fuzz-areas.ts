import type { Entropy } from '@sevlab/ambient/entropy';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import { encodeSecretTable, SecretEntry, SecretHeader } from '@sevlab/codec/efi/secret-table';
import { type Guid, guidFromBytes, NULL_GUID } from '@sevlab/codec/guid';
import { PLAIN_GUEST } from '@sevlab/guest-kernel-sim/plain-guest';
import type { ProbeInput } from '@sevlab/guest-kernel-sim/standalone';

/** A question to a kernel, whichever it is. */
export type Probe = Omit<ProbeInput, 'profile'> & { readonly name: string };

/** Numbers that a generator draws. */
export class Dice {
  readonly #entropy: Entropy;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  /** From 0 to `below` - 1, below 65,536. */
  number(below: number): number {
    const [low, high] = this.#entropy.bytes(2);
    return (low! + 256 * high!) % below;
  }

  oneIn(chances: number): boolean {
    return this.number(chances) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.number(list.length)]!; // no list here is empty
  }

  bytes(count: number): Uint8Array {
    return count === 0 ? new Uint8Array() : this.#entropy.bytes(count);
  }
}

const AREA_SIZE = Number(PLAIN_GUEST.areaSize);
const HEADER_SIZE = SecretHeader.size;
const ENTRY_HEAD_SIZE = SecretEntry.size;
const U32_MAX = 0xffff_ffff;

interface Entry {
  readonly guid: Guid;
  readonly data: Uint8Array;
  /** What the entry says of its length; default: the truth. */
  readonly length?: number;
}

/** Made-up names, the same for every area: a sequence of operations must hit some of them. */
const nameOf = (number: number): Guid =>
  guidFromBytes(Uint8Array.of(number, number >> 8, 0, 0, 0, 0, 0, 0x40, 0x80, 0, 0, 0, 0, 0, 0, 1));

/** Entries as a sound tool would write them, and now and then one that is not. */
function drawEntries(dice: Dice): Entry[] {
  const count = dice.oneIn(12) ? 58 + dice.number(12) : dice.number(8);
  return Array.from({ length: count }, (_, i): Entry => {
    const data = dice.bytes(
      count > 20 ? dice.number(10) : dice.oneIn(8) ? dice.number(300) : dice.number(24),
    );
    const guid = dice.oneIn(24) ? NULL_GUID : dice.oneIn(40) ? nameOf(0) : nameOf(i);
    if (!dice.oneIn(40)) return { guid, data };
    const truth = ENTRY_HEAD_SIZE + data.length;
    return { guid, data, length: drawLength(dice, truth) };
  });
}

/** A length that is wrong in one of the ways that matter: at the limits, by one, by an entry, or wildly. */
const drawLength = (dice: Dice, truth: number): number =>
  dice.pick([
    0,
    19,
    20,
    21,
    truth - 1,
    truth + 1,
    truth + ENTRY_HEAD_SIZE,
    0x8000_0014,
    U32_MAX,
    dice.number(2000),
  ]) >>> 0;

function encodeEntry({ guid, data, length = ENTRY_HEAD_SIZE + data.length }: Entry): Uint8Array {
  return concat(SecretEntry.encode({ guid, len: length }), data);
}

/** The bytes of an area: a table, and at times something behind it, a wrong length, or a flipped bit. */
function drawArea(dice: Dice): Uint8Array {
  const entries = concat(...drawEntries(dice).map(encodeEntry));
  const tail = dice.oneIn(5)
    ? dice.pick([dice.bytes(dice.number(40)), new Uint8Array(dice.number(40))])
    : new Uint8Array();
  const area = concat(encodeSecretTable([]).subarray(0, HEADER_SIZE), entries, tail);
  const truth = dice.oneIn(10) ? area.length - tail.length : area.length;
  const header = SecretHeader.decodeAt(area, 0);
  area.set(SecretHeader.encode({ ...header, len: dice.oneIn(12) ? drawLength(dice, truth) : truth }));
  if (dice.oneIn(16)) area[dice.number(area.length)]! ^= 1 << dice.number(8);
  return area.subarray(0, AREA_SIZE);
}

/** Where the area is said to lie, mostly in its usual place; anywhere else in reserved memory, whatever its size. */
function drawPlace(dice: Dice, length: number): { readonly base?: Gpa; readonly size?: bigint } {
  const size = (): bigint =>
    BigInt(dice.pick([0, 19, 20, length, length - 1, length + 1, dice.number(AREA_SIZE)]) >>> 0);
  if (dice.oneIn(10)) return { size: size() };
  if (!dice.oneIn(20)) return {};
  return {
    base: gpa(PLAIN_GUEST.arena + BigInt(dice.pick([0, 1, 15, 16, 0xff0, 0xfff, dice.number(0x8000)]))),
    size: dice.oneIn(2) ? BigInt(length + dice.number(0x2000)) : size(),
  };
}

/** An area at random, which a kernel is to bind to. */
export function drawProbe(name: string, entropy: Entropy): Probe {
  const dice = new Dice(entropy);
  const area = drawArea(dice);
  return { name, area, ...drawPlace(dice, area.length), mode: 'bind', operations: [] };
}

const FOLDERS = [
  '/sys/kernel/security',
  '/sys/kernel/security/secrets',
  '/sys/kernel/security/secrets/coco',
] as const;
const MAX_OPERATIONS = 24;

/** Operations at random, on files that are there and on some that are not; every descriptor is closed at the end. */
function drawOperations(dice: Dice, files: number): string[] {
  const file = (): string => nameOf(dice.number(files + 1));
  const path = (): string => (dice.oneIn(6) ? dice.pick(FOLDERS) : file());
  // what is changed at the root of the file system outlives the probe
  const inner = (): string => (dice.oneIn(6) ? dice.pick(FOLDERS.slice(1)) : file());
  const user = (): number => dice.pick([0, 0, 1000, 65534]);
  const descriptor = (): number => dice.number(3);
  const open = new Set<number>();
  const draw: readonly (() => string)[] = [
    () => `rm ${path()}`,
    () => `rm ${file()}`,
    () => `read ${path()}`,
    () => `stat ${path()}`,
    () => `ls ${dice.pick(FOLDERS)}`,
    () => 'readall',
    () => `write ${path()}`,
    () => `otrunc ${path()}`,
    () => `trunc ${path()} ${dice.pick([0, 1, 5, 100])}`,
    () => `chmod ${inner()} ${dice.pick(['0777', '0000', '0444', '0700', '4755', '1777'])}`,
    () => `chown ${inner()} ${user()} ${user()}`,
    () => `utime ${inner()}`,
    () => `times ${inner()}`,
    () => `cat ${path()}`,
    () => `mknod ${dice.pick(['new', file()])} ${dice.pick(['fifo', 'file', 'char', 'socket'])}`,
    () => `as ${user()} ${user()} stat ${file()}`,
    () => dice.pick(['mount', 'autoload']),
    () => `create ${path()}`,
    () => `create new-file`,
    () => `mkdir ${dice.pick(['folder', file()])}`,
    () => `rmdir ${path()}`,
    () => `mknod ${dice.pick(['fifo', file()])}`,
    () => `symlink ${dice.pick(['symlink', file()])}`,
    () => `link ${path()} ${dice.pick(['other', file()])}`,
    () => `rename ${path()} ${dice.pick(['other', file()])}`,
    () => `mmap ${path()}`,
    () => `as ${user()} ${user()} ${dice.pick(['ls', `read ${file()}`, `rm ${file()}`])}`,
    () => {
      const number = [0, 1, 2].find((candidate) => !open.has(candidate));
      if (number === undefined) return 'readall';
      open.add(number);
      return `open ${file()} ${number}`;
    },
    () => `fdread ${descriptor()} ${dice.pick([1, 3, 20, 4096])}`,
    () => `fdpread ${descriptor()} ${dice.pick([0, 2, 4096])} ${dice.pick([-1, 0, 1, 5, 4000])}`,
    () => `fdseek ${descriptor()} ${dice.pick([-1, 0, 1, 7, 4000])} ${dice.number(5)}`,
    () => `fdstat ${descriptor()}`,
    () => {
      const number = descriptor();
      open.delete(number);
      return `fdclose ${number}`;
    },
  ];
  const lines = Array.from({ length: 1 + dice.number(MAX_OPERATIONS) }, () => dice.pick(draw)());
  return [...lines, ...[...open].map((number) => `fdclose ${number}`)];
}

/** A sound area, and what somebody does with its files. */
export function drawSequence(name: string, entropy: Entropy): Probe {
  const dice = new Dice(entropy);
  const files = dice.number(5);
  const table = Array.from({ length: files }, (_, i) => ({
    guid: nameOf(i),
    data: dice.bytes(dice.number(40)),
  }));
  return {
    name,
    area: encodeSecretTable(table),
    mode: dice.pick(['bind', 'load']),
    operations: drawOperations(dice, files),
  };
}
