import { createRequire } from 'node:module';
import vm from 'node:vm';
import { toHex } from '@sevlab/codec/bytes';
import { formatFields, snakeCase } from '@sevlab/codec/format-fields';
import type { Guid } from '@sevlab/codec/guid';
import { imhexPattern } from '@sevlab/codec/imhex';
import { kaitaiFormat } from '@sevlab/codec/ksy';
import type { Struct } from '@sevlab/codec/layout';
import { STRUCTURES } from '@sevlab/codec/structures';
import KaitaiCompiler from 'kaitai-struct-compiler';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const require = createRequire(import.meta.url);
/** Kaitai's runtime; its own types make no class of it. */
const { KaitaiStream } = require('kaitai-struct') as {
  readonly KaitaiStream: new (bytes: ArrayBuffer, offset: number) => object;
};
const KNOWN = Object.values(STRUCTURES);

/** Every byte differs from its neighbours, and no integer is a palindrome. */
const pattern = (length: number, salt: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (37 * i + 11 * (i >> 3) + salt) & 0xff);

const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** What Kaitai's parser made of a structure: fields by name, and where each lies. */
interface Parsed {
  readonly [field: string]: unknown;
  readonly _debug: Readonly<Record<string, { readonly start: number; readonly end: number }>>;
}

/** A description, compiled by Kaitai Struct's own compiler, run on bytes. */
async function parseWithKaitai(ksy: string, bytes: Uint8Array): Promise<Parsed> {
  const files = await KaitaiCompiler.compile('javascript', parse(ksy), undefined, true);
  const [source = ''] = Object.values(files);
  const module = { exports: {} as Record<string, unknown> };
  vm.runInThisContext(`(function (module, exports, require) {${source}\n})`)(module, module.exports, require);
  const [exported] = [module.exports].flatMap((each) =>
    typeof each === 'function' ? [each] : Object.values(each),
  );
  const Parser = exported as new (stream: object) => Parsed & { _read(): void };
  const parser = new Parser(new KaitaiStream(bytes.slice().buffer, 0));
  parser._read();
  return parser;
}

/** Each field lies where we say, and is what our decoder says. */
function expectAlike(parsed: Parsed, struct: Struct<unknown>, bytes: Uint8Array, base = 0): void {
  for (const [i, field] of formatFields(struct, KNOWN).entries()) {
    const { name, offset, size, kind, inner } = field;
    const member = camelCase(snakeCase(name));
    const { value, bytes: own } = struct.annotate(bytes)[i]!;
    const { start, end } = parsed._debug[member]!;
    const got = parsed[member];
    expect(end - start, name).toBe(size);
    expect(start, name).toBe(base + offset);
    if (kind === 'integer') expect(got, name).toBe(Number(value));
    else if (kind === 'text') expect(got, name).toBe(value);
    else if (kind === 'guid') expect(guidText(got as Parsed), name).toBe(value as Guid);
    else if (inner !== undefined)
      expectAlike(got as Parsed, inner, bytes.subarray(offset, offset + size), base + offset);
    else expect(toHex(got as Uint8Array), name).toBe(toHex(own));
  }
}

function guidText({ timeLow, timeMid, timeHigh, rest }: Parsed): string {
  const hex = (value: unknown, digits: number): string => Number(value).toString(16).padStart(digits, '0');
  const tail = toHex(rest as Uint8Array);
  return [hex(timeLow, 8), hex(timeMid, 4), hex(timeHigh, 4), tail.slice(0, 4), tail.slice(4)].join('-');
}

describe('Kaitai Struct', () => {
  test.each(Object.entries(STRUCTURES))(
    '%s: its compiler takes the description, and its parser sees what we see',
    async (name, struct) => {
      for (const salt of [1, 200]) {
        const bytes = pattern(struct.size, salt);
        expectAlike(await parseWithKaitai(kaitaiFormat(name, struct, KNOWN), bytes), struct, bytes);
      }
    },
  );

  test('a description with two fields exchanged is noticed', async () => {
    const { 'packet-header': header } = STRUCTURES;
    const ksy = kaitaiFormat('packet-header', header!, KNOWN)
      .replace('size: 16', 'size: 32')
      .replace(/size: 32(?![\s\S]*size: 32)/, 'size: 16');
    const bytes = pattern(header!.size, 1);
    const parsed = await parseWithKaitai(ksy, bytes);
    expect(() => expectAlike(parsed, header!, bytes)).toThrow();
  });
});

const SIZES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, char: 1 };

/** The sizes that a pattern gives its structures, and where each field of the last lies. */
function readPattern(text: string): { readonly size: number; readonly fields: readonly string[] } {
  const sizes: Record<string, number> = { ...SIZES };
  let last: { size: number; fields: string[] } = { size: 0, fields: [] };
  for (const [, name = '', body = ''] of text.matchAll(/^struct (\w+) \{\n([\s\S]*?)^\};/gm)) {
    last = { size: 0, fields: [] };
    for (const line of body.trimEnd().split('\n')) {
      const [, type = '', field = '', count = '1'] =
        /^ {4}(\w+) ([A-Za-z_]\w*)(?:\[(\d+)\])?(?: \[\[comment\(".*"\)\]\])?;$/.exec(line) ?? [];
      const size = (sizes[type] ?? Number.NaN) * Number(count);
      last.fields.push(`${field}@${last.size}`);
      last.size += size;
    }
    expect(sizes[name], name).toBeUndefined();
    sizes[name] = last.size;
  }
  return last;
}

// ImHex has no compiler in npm; its language is read here as far as we write it
describe('ImHex', () => {
  test.each(Object.entries(STRUCTURES))('%s: the pattern has every field in its place', (name, struct) => {
    const { size, fields } = readPattern(imhexPattern(name, struct, KNOWN));
    expect(size).toBe(struct.size);
    expect(fields.map((field) => field.replace(/_(?=@)/, ''))).toEqual(
      struct.rows.map((row) => `${row.name}@${row.offset}`),
    );
  });
});
