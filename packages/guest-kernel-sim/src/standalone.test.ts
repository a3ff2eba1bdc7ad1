import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gpa } from '@sevlab/codec/address';
import { concat, fromHex, padTo } from '@sevlab/codec/bytes';
import { describe, expect, it } from 'vitest';
import { Errno, type ErrnoName } from './errno.ts';
import { PLAIN_GUEST } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';
import { probeArea } from './standalone.ts';

interface RecordedCase {
  readonly name: string;
  readonly area: readonly ({ readonly hex: string } | { readonly fill: string; readonly count: number })[];
  readonly base: string;
  readonly size: string;
  readonly at: string;
  readonly operations: readonly string[];
  readonly load: object;
  readonly bind: object;
}

interface ParseVector {
  readonly id: string;
  readonly descriptor_size: number;
  readonly area_hex: string;
  readonly area_zero_padded_to: number;
  readonly probe_ret: number;
  readonly log_6_1: readonly string[];
  readonly log_6_12: readonly string[];
  readonly log_7_3: readonly string[];
  readonly files: readonly { readonly name: string; readonly data_hex: string }[];
}

const vectors = new URL('../test/vectors/', import.meta.url);
const recorded: RecordedCase[] = readFileSync(new URL('efi-secret-6.1.192.jsonl', vectors), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const parse: { vectors: ParseVector[] } = JSON.parse(
  readFileSync(new URL('efi-secret-parse.json', vectors), 'utf8'),
);

const areaOf = ({ area }: RecordedCase): Uint8Array =>
  concat(
    ...area.map((part) =>
      'hex' in part ? fromHex(part.hex) : new Uint8Array(part.count).fill(Number.parseInt(part.fill, 16)),
    ),
  );

/** `/cases/NAME`, where the recorded operations find the area of another case. */
const caseFile = (path: string): Uint8Array | undefined =>
  recorded.filter(({ name }) => path === `/cases/${name}`).map(areaOf)[0];

describe('what Linux 6.1.192 did with a secret area', () => {
  it('has all recorded cases', () => expect(recorded.length).toBe(68));

  for (const mode of ['load', 'bind'] as const) {
    it.each(recorded.map((one) => [one.name, one] as const))(`${mode}: %s`, (name, one) => {
      const result = probeArea({
        name,
        area: areaOf(one),
        base: gpa(BigInt(one.base)),
        size: BigInt(one.size),
        at: gpa(BigInt(one.at)),
        profile: kernelProfile('6.1'),
        mode,
        operations: one.operations,
        readFile: caseFile,
      });
      expect(result).toEqual({ name, ...one[mode] });
    });
  }
});

describe('what four kernels made of a table', () => {
  it('has all recorded tables', () => expect(parse.vectors.length).toBe(32));

  const logs = { '6.1': 'log_6_1', '6.1.148': 'log_6_1', '6.12': 'log_6_12', '7.3': 'log_7_3' } as const;
  for (const [name, log] of Object.entries(logs)) {
    it.each(parse.vectors.map((one) => [one.id, one] as const))(`${name}: %s`, (_, one) => {
      const { probe, dmesg, dir, read } = probeArea({
        area: padTo(fromHex(one.area_hex), one.area_zero_padded_to),
        base: PLAIN_GUEST.arena,
        size: BigInt(one.descriptor_size),
        profile: kernelProfile(name),
        mode: 'bind',
        operations: [],
      });
      const code = Object.keys(Errno).find((key) => Errno[key as ErrnoName] === -one.probe_ret);
      expect(probe).toEqual({
        via: 'bind',
        ...(code === undefined ? { rc: 0, bound: true } : { rc: -1, err: code, bound: false }),
      });
      const notDebug = dmesg.filter((line) => !line.startsWith('<7>')).map((line) => line.slice(3));
      expect(notDebug).toEqual(one[log]);
      expect(Array.isArray(dir)).toBe(code === undefined);
      expect(read).toEqual(one.files.map(({ name: n, data_hex }) => ({ n, ...content(fromHex(data_hex)) })));
    });
  }
});

/** Up to 4096 bytes in full. */
const content = (data: Uint8Array): object => ({
  len: data.length,
  ...(data.length <= 4096
    ? { hex: Buffer.from(data).toString('hex') }
    : { sha256: createHash('sha256').update(data).digest('hex') }),
});

describe('room for a secret area', () => {
  const probe = (length: number, place: { base?: bigint; size?: bigint; at?: bigint }) => {
    const { size, ...addresses } = place;
    const { base, at } = { base: undefined, at: undefined, ...addresses };
    return probeArea({
      area: new Uint8Array(length),
      profile: kernelProfile('6.1'),
      mode: 'bind',
      operations: [],
      ...(base !== undefined && { base: gpa(base) }),
      ...(at !== undefined && { at: gpa(at) }),
      ...(size !== undefined && { size }),
    });
  };

  it.each([
    ['the default page', 0x1000, {}],
    ['what is left of that page', 0x400, { base: 0x80cc00n, size: 0x400n }],
    ['the arena', 0x20_0000, { base: 0x300_0000n, size: 0x20_0000n }],
    ['what is left of the arena', 0x10, { base: 0x31f_fff0n, size: 0x20_0000n }],
    ['RAM', 0x100, { base: 0x200_0000n, size: 0x100n }],
    ['RAM, at most', 0x20_0000, { base: 0x400_0000n, size: 0x4000_0000n }],
    ['another place than the location says', 0x20_0000, { base: 0n, size: 0n, at: 0x300_0000n }],
  ])('%s', (_, room, place) => {
    expect(probe(room, place).blob_len).toBe(room);
    const at = `0x${('at' in place ? place.at : 'base' in place ? place.base : PLAIN_GUEST.area).toString(16)}`;
    const refused = () => probe(room + 1, place);
    expect(refused).toThrow(RangeError);
    expect(refused).toThrow(
      `secret area: expected at most ${room} bytes at ${at}, got ${room + 1}; at 0x3000000`,
    );
  });
});
