import {
  chmodSync,
  chownSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Outcome, runOurs, runTheirs } from '../../test/side-by-side.ts';

/** Words of a command line are divided by blanks here; `\s` is a blank, `\e` an empty word. */
const wordsOf = (line: string): string[] =>
  line.split(' ').map((word) => word.replaceAll('\\s', ' ').replace('\\e', ''));

let ours: string;
let theirs: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'sevlab-tools-'));
  ours = join(folder, 'ours');
  theirs = join(folder, 'theirs');
  for (const tree of [ours, theirs]) plant(tree);
});
afterEach(() => rmSync(join(ours, '..'), { recursive: true }));

const isRoot = process.getuid?.() === 0;

function plant(root: string): void {
  for (const directory of ['', 'd', 'd/sub', 'd/sub/deep', 'empty', 'many']) mkdirSync(join(root, directory));
  const file = (name: string, content: string | Uint8Array, mode: number, time: number): void => {
    writeFileSync(join(root, name), content);
    chmodSync(join(root, name), mode);
    utimesSync(join(root, name), time, time);
  };
  file('a', '', 0o644, 1_000_000_000);
  file('b', 'one\ntwo three\n\nfour', 0o600, 1_656_417_245.5);
  file(
    'c',
    Uint8Array.from({ length: 300 }, (_, i) => i),
    0o4755,
    1_700_000_000,
  );
  file('long', `${'0123456789abcde\n'.repeat(700)}end`, 0o440, 1_600_000_000);
  file('with space', 'x', 0o644, 1_500_000_000);
  file("it's", 'y', 0o644, 1_500_000_001);
  file('.hidden', 'z', 0o644, 1_500_000_002);
  file('d/inner', 'inner\n', 0o2644, 1_500_000_003);
  file('d/sub/deep/er', 'deeper\n', 0o755, 1_500_000_004);
  for (let i = 0; i < 43; i++)
    file(`many/${'f'.repeat(1 + ((i * 7) % 19))}${i}`, '', 0o644, 1_400_000_000 + i);
  symlinkSync('b', join(root, 'link'));
  symlinkSync('d', join(root, 'dirlink'));
  symlinkSync('nowhere', join(root, 'broken'));
  for (const link of ['link', 'dirlink', 'broken'])
    lutimesSync(join(root, link), 1_450_000_000, 1_450_000_000);
  for (const directory of ['d/sub/deep', 'd/sub', 'd', 'empty', 'many', ''])
    utimesSync(join(root, directory), 1_650_000_000, 1_650_000_000);
  if (isRoot) chownSync(join(root, 'b'), 60_001, 1_234_567);
}

const RECORDED = new URL('../../test/vectors/coreutils-9.1.json', import.meta.url);
const recorded = JSON.parse(readFileSync(RECORDED, 'utf8')) as Record<string, Outcome>;

/** What long lines say depends on the file system and on who runs the tests; two are long. */
const isPortable = (line: string): boolean => !/^ls -\S*[li]|^stat|^id|^od -v|^grep 0/.test(line);

/** The same command in two trees that are alike. */
function expectSame(line: string): void {
  const words = wordsOf(line);
  const real = runTheirs(theirs, words);
  if (process.env.RECORD_ANSWERS !== undefined && real !== undefined && isPortable(line))
    recorded[line] = real;
  const outcome = runOurs(ours, words);
  if (isPortable(line)) expect(outcome).toEqual(recorded[line]);
  if (real !== undefined) expect(outcome).toEqual(real);
}

afterAll(() => {
  if (process.env.RECORD_ANSWERS !== undefined)
    writeFileSync(RECORDED, `${JSON.stringify(recorded, null, 1)}\n`);
});

describe('in a tree of files, our program and the machine print the same for', () => {
  it.each(
    [
      'ls',
      'ls -a',
      'ls -A',
      'ls -l b c long with\\sspace link broken',
      'ls -la',
      'ls -ln',
      'ls -lR',
      'ls -R d',
      'ls -aR d/',
      'ls -d d a .',
      'ls -1r',
      'ls -t',
      'ls -ltr',
      'ls -F',
      'ls -lF a b c d',
      'ls -C many',
      'ls -CF many d',
      'ls -C many/f25 many',
      'ls dirlink',
      'ls -l dirlink',
      'ls -l dirlink/',
      'ls -d dirlink',
      'ls a nosuch d .hidden empty',
      'ls nosuch/x',
      'ls a/',
      'ls -l /dev/null',
      'ls -z',
      'ls --nonsense',
      'ls --all=x',
      'cat b c',
      'cat b nosuch d a',
      'cat a:b with\\sspace2',
      'cat --',
      'head b',
      'head -n 2 b',
      'head -2 b',
      'head -c 5 b c nosuch d',
      'head -n x b',
      'head -v -n 0 b',
      'tail b',
      'tail -n 2 b',
      'tail -n 1 b c',
      'tail -n +2 b',
      'tail -n 0 b',
      'tail -c 3 b',
      'tail -c +3 b',
      'tail -n 4 long',
      'tail -q -n 1 b long nosuch',
      'tail -c x b',
      'wc b',
      'wc c',
      'wc -c b',
      'wc -l b long',
      'wc a b c long nosuch d',
      'wc -w -c b',
      'sha256sum a b c',
      'sha256sum -b b nosuch d',
      'hexdump -C c',
      'hexdump -C a b c',
      'hexdump -C nosuch',
      'hexdump -C nosuch b',
      'hexdump -C d nosuch',
      'hexdump -C d',
      'hexdump -n 20 -C c',
      'hexdump -C -n x c',
      'hexdump c',
      'hexdump -v -n 33 c',
      'hexdump -Q c',
      'hd -C -n 40 c',
      'hd long',
      'hd long a nosuch',
      'od c',
      'od a',
      'od nosuch',
      'od nosuch b',
      'od d',
      'od -c c',
      'od -a c',
      'od -b c',
      'od -A x -t x1z c',
      'od -An -tx1 c',
      'od -A d -t x1 -t c b',
      'od -t d1 -t u2 -t x8 c',
      'od -t o1o4 c',
      'od -c -t x2 -t d8 c',
      'od -j 3 -N 20 -x c',
      'od -j 400 c',
      'od -j 010 -N 0x10 c',
      'od -N q c',
      'od -A y c',
      'od -t k c',
      'od -t x3 c',
      'od -v -t x1 long',
      'od long',
      'od -s b',
      'xxd b',
      'xxd c',
      'xxd a',
      'xxd -l 20 c',
      'xxd -c 5 b',
      'xxd -c 8 -u c',
      'xxd -p c',
      'xxd -ps -c 4 c',
      'xxd nosuch',
      'xxd d',
      'xxd -l x b',
      'xxd -l -5 b',
      'rm nosuch',
      'rm d',
      'rm -d d',
      'rm -f nosuch a/x',
      'rm a/',
      'rm -r . ..',
      'rm .',
      'rm -v a with\\sspace',
      'rm -rv d/sub',
      "rm it's",
      'rmdir d',
      'rmdir a',
      'rmdir nosuch .',
      'rmdir -v empty',
      'rmdir -p d/sub/deep',
      'mkdir a',
      'mkdir new/x',
      'mkdir -p new/x/../y//z/',
      'mkdir -p a/x',
      'mkdir -pv new/x d/sub/new',
      'mkdir -v -m 700 new',
      'mkdir -m q new',
      'touch nosuch/x a/x',
      'touch -c nosuch',
      'chmod 999 a',
      'chmod 644',
      'chmod u+q a',
      'chmod 600 nosuch',
      'chmod -v u=rwx,g+s,o=g d a c',
      'chmod -c 644 a b',
      'chmod -v -w a b c',
      'chmod -R -v go-rwx d',
      'chmod +x',
      'chown nosuch a',
      'chown 0:nosuch a',
      'chown 0',
      'chown 0 nosuch',
      'chown 4294967295 a',
      'chgrp 4294967296 a',
      'stat nosuch',
      'stat -c %a|%A|%b|%B|%f|%F|%g|%h|%n|%N|%s|%u|%U|%y|%Y|%% a b c d link broken with\\sspace',
      'stat -c %5s|%-5s|%05a|%8U|%q|%.3n b',
      'cp b',
      'cp nosuch x',
      'cp b nosuch/x',
      'cp b nosuch/',
      'cp d x',
      'cp b c nosuch',
      'cp a a',
      'cp b c d',
      'cp -r d empty',
      'cp -r empty empty/x',
      'cp -r empty empty',
      'cp -r empty a empty',
      'mv nosuch x',
      'mv b nosuch/x',
      'mv a a',
      'mv a b',
      'mv a d',
      'mv a b c nosuch',
      'mv b d empty',
      'mv d d/x',
      'ln -s q a',
      'ln b',
      'ln nosuch x',
      'ln b hard',
      'ln -s a b nosuch',
      'grep o b',
      'grep -n t b',
      'grep -v o b',
      'grep -c o b long nosuch',
      'grep -i ONE b',
      'grep ^t.*e$ b',
      'grep -q zzz b',
      'grep 0*1 long',
      'grep x*$ b',
      'grep -q o nosuch b nosuch',
      'hd -n 16 /dev/zero /dev/zero',
      'hexdump -n 20 b nosuch',
      'hexdump -C -n 300 b c b',
      'od -N 16 /dev/zero nosuch',
      'xxd -l 16 /dev/zero',
      'grep -c a c',
      'grep a c b',
      'grep -v zz c',
      'grep -nq a c',
      'grep zz c',
      'id -u nosuch root',
      'id -u -g',
      'id -n',
      'id nosuch',
      'uname -s',
      'uname x',
      'uname -m',
      'whoami x',
    ].filter((line) => !line.startsWith('yes')),
  )('%s', (line) => {
    expectSame(line);
    expect(runTheirs(ours, ['ls', '-lR', '--time-style=+'])?.stdout).toEqual(
      runTheirs(theirs, ['ls', '-lR', '--time-style=+'])?.stdout,
    );
  });

  // how much is copied before depends on inode numbers
  it.each([
    'cp -r d d/new',
    'cp -r d d/sub',
    'cp -r d d/sub/x',
    'cp -r ./d d/../d/new',
    'cp -r d/. d/sub/deep/x',
    'cp -r d b d',
  ])('%s', expectSame);

  it.each(['stat a', 'stat c d', 'stat /dev/null', 'stat -L link'])('%s', (line) => {
    const real = runTheirs(ours, wordsOf(line));
    if (real !== undefined) expect(runOurs(ours, wordsOf(line))).toEqual(real);
  });

  it.each(['ls -i many', 'ls -lai'])('%s', (line) => {
    expect(runOurs(ours, wordsOf(line))).toEqual(runTheirs(ours, wordsOf(line)));
  });
});

describe('ls on a terminal', () => {
  const widths = [1, 10, 20, 37, 40, 79, 80, 81, 100, 132, 200];
  it.each(widths)('is %i columns wide as the machine has it', (columns) => {
    for (const folder of ['.', 'many', 'd', 'empty']) {
      const options = ['-C', `-w${columns}`, '--quoting-style=shell-escape'];
      const real = runTheirs(theirs, ['ls', ...options, folder]);
      expect(runOurs(ours, ['ls', folder], { columns })).toEqual(real);
    }
  });

  it('quotes in long lines and headings too', () => {
    const quoted = '--quoting-style=shell-escape';
    expect(runOurs(ours, ['ls', '-l'], { columns: 80 })).toEqual(runTheirs(ours, ['ls', '-l', quoted]));
    expect(runOurs(ours, ['ls', '-1'], { columns: 80 })).toEqual(runTheirs(ours, ['ls', '-1', quoted]));
  });
});
