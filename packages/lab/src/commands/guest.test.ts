import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CommandError, EXIT } from './exit.ts';
import { addGuest } from './guest.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-guest-'));
const file = (name: string, content: Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';
const EMPTY = file('empty.bin', new Uint8Array());
const BIG = file('big.bin', new Uint8Array(4097));
const TABLE = file('table.bin', encodeSecretTable([{ guid: parseGuid(GUID), data: new Uint8Array([7]) }]));

afterEach(() => vi.restoreAllMocks());

/** What `sevlab guest` prints, one JSON value per line. */
function guest(...words: string[]) {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  const program = new Command().exitOverride();
  addGuest(program);
  program.parse(['guest', '--json', ...words], { from: 'user' });
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function refusal(...words: string[]): CommandError {
  try {
    guest(...words);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('sevlab guest', () => {
  it('answers each FILE, then each --area', () => {
    const answers = guest('--area', TABLE, EMPTY, '--area', EMPTY, TABLE);
    expect(answers.map(({ name, blob_len }) => [name, blob_len > 0])).toEqual([
      ['0-empty.bin', false],
      ['1-table.bin', true],
      ['2-table.bin', true],
      ['3-empty.bin', false],
    ]);
  });

  it('binds nothing in a kernel without the driver', () => {
    for (const mode of ['bind', 'load'])
      expect(guest('--linux', 'debian', '--mode', mode, TABLE)).toMatchObject([{ probe: { bound: false } }]);
  });

  it('reads the file that put names', () => {
    const [answer] = guest('--op', `put 0x80c000 ${TABLE}`, '--op', 'bind', '--op', `read ${GUID}`, EMPTY);
    expect(answer.ops).toMatchObject([
      { op: 'bind', rc: 0, bound: true },
      { op: 'read', hex: '07' },
    ]);
  });

  it.each([
    [
      ['--op', 'mem 0 99999999999999', EMPTY],
      /^operation 'mem 0 99999999999999': expected a number of bytes/,
    ],
    [['--op', 'puthex 0x80c000 zz', EMPTY], /^operation 'puthex 0x80c000 zz': expected an even number/],
    [['--op', 'ls', '--op', 'rm', EMPTY], /^operation 'rm': expected a GUID or a path, got nothing$/],
    [['--op', 'shred x', EMPTY], /^operation 'shred x': expected one of load .* cat, got 'shred'$/],
    [['--op', 'put 0x80c000 /nowhere', EMPTY], /^\/nowhere: no such file; expected a file that can be read$/],
    [
      [BIG],
      /^secret area 0-big\.bin: expected at most 4096 bytes at 0x80c000, got 4097; at 0x3000000 there is/,
    ],
    [
      ['--linux', '6.1.149', EMPTY],
      /^there is no kernel '6\.1\.149'; expected .*6\.1\.192,.*6\.12\.107,.*7\.3\.4, debian$/,
    ],
    [
      ['--base', '0x10000000000000000', EMPTY],
      /^--base 0x10000000000000000: expected a number from 0 to 2\^64-1/,
    ],
    [['--base', '-1', EMPTY], /^--base -1: expected a number from 0 to 2\^64-1, decimal or 0x…$/],
    [['--size', '18446744073709551616', EMPTY], /^--size 18446744073709551616: expected a number from 0/],
    [['--size', '1e3', EMPTY], /^--size 1e3: expected a number/],
    [['--mode', 'insmod', EMPTY], /^--mode insmod: expected bind, load or none$/],
    [['--linux', 'debian-12', EMPTY], /^there is no kernel 'debian-12'; expected one of/],
    [[], /^no secret area given; expected one FILE or more; try --area FILE$/],
    [[EMPTY, '/nowhere'], /^\/nowhere: no such file; expected a file that can be read$/],
    [['--area', '/nowhere', EMPTY], /^\/nowhere: no such file; expected a file that can be read$/],
    [[folder], /: it is a folder; expected a file that can be read$/],
    [['hex:0'], /^hex:…: expected an even number of hexadecimal digits$/],
    [['base64:!'], /^base64:…: expected base64 text$/],
  ])('refuses %j', (words, message) => {
    const error = refusal(...words);
    expect(error.exitCode).toBe(EXIT.usage);
    expect(error.message).toMatch(message);
  });

  it('answers nothing when one of several files cannot be read', () => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const program = new Command().exitOverride();
    addGuest(program);
    expect(() => program.parse(['guest', TABLE, '/nowhere'], { from: 'user' })).toThrow(CommandError);
    expect(written).not.toHaveBeenCalled();
  });

  it('names an area that stands in the command line by how it is written', () => {
    expect(guest('hex:00ff').map(({ name, blob_len }) => [name, blob_len])).toEqual([['0-hex', 2]]);
  });

  it('leaves the driver to the operations when told to', () => {
    const [answer] = guest('--mode', 'none', '--op', 'autoload', TABLE);
    expect(answer.probe).toEqual({ via: 'none' });
    expect(answer.ops).toMatchObject([{ op: 'autoload', rc: 0, loaded: true, bound: true }]);
  });

  it.each(['6.1.192', '6.12.107', '7.3.4'])('takes and offers --linux %s', (version) => {
    expect(guest('--linux', version, TABLE)[0].probe).toEqual({ via: 'load', rc: 0, bound: true });
    const program = new Command();
    addGuest(program);
    expect(program.commands[0]?.helpInformation()).toContain(version);
  });
});
