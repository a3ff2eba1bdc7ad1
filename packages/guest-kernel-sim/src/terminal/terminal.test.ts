import { createObserver } from '@sevlab/ambient/observer';
import { concat, utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualScreen } from '../../test/virtual-screen.ts';
import { bootKernel } from '../boot.ts';
import type { Kernel } from '../kernel.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from '../plain-guest.ts';
import { kernelProfile } from '../profile.ts';
import { OUTPUT_MAX } from '../shell/limits.ts';
import { createTerminalState, Terminal } from './terminal.ts';

const COCO = '/sys/kernel/security/secrets/coco';
const KATA = 'e6f5a162-d67f-4750-a67c-5d065f2a9910';
const DISK = '736870e5-84f0-4973-92ec-06879ce3da0b';

function boot(): Kernel {
  const observer = createObserver({ record: true });
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    const secrets = [
      { guid: parseGuid(DISK), data: utf8('passphrase') },
      { guid: parseGuid(KATA), data: utf8('kata') },
    ];
    context.memory.writePrivate(PLAIN_GUEST.area, encodeSecretTable(secrets));
    return bootKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: kernelProfile('6.1'),
      observer,
    });
  });
}

/** Columns, so that no line here takes two rows. */
const WIDE = 200;

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What a person sees who types, on a screen that is wide enough. */
function see(keys: string, kernel: Kernel = boot()): string[] {
  const terminal = new Terminal(kernel, createTerminalState(WIDE));
  const screen = new VirtualScreen(WIDE);
  screen.write(textOf(terminal.start()));
  screen.write(textOf(terminal.type(utf8(keys))));
  return screen.text;
}

describe('a terminal', () => {
  it('shows prompts, what is typed, and answers', () => {
    expect(see('cd /sys/kernel/security\rpwd\rls -l secrets\rfalse\recho $?\r')).toEqual([
      '# cd /sys/kernel/security',
      '# pwd',
      '/sys/kernel/security',
      '# ls -l secrets',
      'total 0',
      'drwxr-xr-x 2 root root 0 Jun 28 11:54 coco',
      '# false',
      '# echo $?',
      '1',
      '#',
    ]);
  });

  it('lists in columns, as wide as it is', () => {
    const terminal = new Terminal(boot());
    const shown = (columns: number): string => {
      terminal.resize(columns);
      return textOf(terminal.type(utf8('ls /proc\r')));
    };
    expect(shown(80)).toBe('ls /proc\r\niomem  modules\tmounts\tself\r\n# ');
    expect(shown(12)).toBe('ls /proc\r\niomem\r\nmodules\r\nmounts\r\nself\r\n# ');
  });

  it('ends each line with CR LF, and bytes come through', () => {
    const terminal = new Terminal(boot());
    expect(terminal.type(utf8('head -c 3 /proc/mounts\r'))).toEqual(utf8('head -c 3 /proc/mounts\r\nroo# '));
    expect(textOf(terminal.type(utf8('echo a; echo b\r')))).toBe('echo a; echo b\r\na\r\nb\r\n# ');
  });

  it('gives lines to the program that reads, and ^D ends its input', () => {
    expect(see('cat\rfirst\rsec\x7f\x7fX\r\x04echo done\r')).toEqual([
      '# cat',
      'first',
      'first',
      'sX',
      'sX',
      '# echo done',
      'done',
      '#',
    ]);
    expect(see('wc -l\ra\rb\r\x04')).toEqual(['# wc -l', 'a', 'b', '2', '#']);
    expect(see('head -n 1 | cat\rone\r')).toEqual(['# head -n 1 | cat', 'one', 'one', '#']);
  });

  it('interrupts it with ^C, and what it opened is closed', () => {
    const kernel = boot();
    const before = kernel.state.files.size;
    const command = `cat /proc/mounts - ${COCO}/${KATA} > /dev/null`;
    const keys = `${command}\rabc\x03echo $?\rcat - > /dev/null; echo never\r\x03`;
    expect(see(keys, kernel)).toEqual([
      `# ${command}`,
      'abc^C',
      '# echo $?',
      '130',
      '# cat - > /dev/null; echo never',
      '^C',
      '#',
    ]);
    expect(kernel.state.files.size).toBe(before);
    const statuses = kernel.observer.events.flatMap((event) =>
      event.type === 'shell' ? [event.status] : [],
    );
    expect(statuses).toEqual([130, 0, 130]);
  });

  it('asks before rm deletes what the user may not write', () => {
    const rm = `rm ${COCO}/${KATA}`;
    const question = `rm: remove write-protected regular empty file '${COCO}/${KATA}'? `;
    const answer = (keys: string): string => {
      const terminal = new Terminal(boot());
      terminal.type(utf8(`su user\r${rm}\r`));
      return textOf(terminal.type(utf8(keys)));
    };
    const terminal = new Terminal(boot());
    expect(textOf(terminal.type(utf8(`su user\r${rm}\r`)))).toBe(`su user\r\n$ ${rm}\r\n${question}`);
    expect(terminal.busy).toBe(true);
    expect(answer('n\r')).toBe('n\r\n$ ');
    expect(answer('\x04')).toBe('$ ');
    expect(answer('yes\r')).toBe(`yes\r\nrm: cannot remove '${COCO}/${KATA}': Permission denied\r\n$ `);
    const root = new Terminal(boot());
    expect(textOf(root.type(utf8(`${rm}\r`)))).toBe(`${rm}\r\n# `); // root may write anything
    expect(textOf(root.type(utf8(`rm -i ${COCO}/${DISK}\r`)))).toContain(
      `rm: remove regular empty file '${COCO}/${DISK}'? `,
    );
  });

  it('knows users, and exit goes back to the one before', () => {
    expect(see('id\rsu user\rid\rsu\rsu auditor\rexit 4\recho $?\rexit 5\rexit 6\r')).toEqual([
      '# id',
      'uid=0(root) gid=0(root) groups=0(root)',
      '# su user',
      '$ id',
      'uid=1000(user) gid=1000(user) groups=1000(user)',
      '$ su',
      'su: Authentication failure',
      '$ su auditor',
      'su: Authentication failure',
      '$ exit 4',
      'exit',
      '# echo $?',
      '4',
      '# exit 5',
      'exit',
    ]);
  });

  it('lets group root read, and nobody else', () => {
    const file = `${COCO}/${DISK}`;
    const commands = `pwd; cat ${file} | wc -c; rm -f ${file}`;
    expect(see(`su user\rcat ${file}\r\x04su - 1001\r${commands}\r`)).toEqual([
      '# su user',
      `$ cat ${file}`,
      `cat: ${file}: Permission denied`,
      '$ exit',
      '# su - 1001',
      `$ ${commands}`,
      '/tmp',
      '10',
      `rm: cannot remove '${file}': Permission denied`,
      '$',
    ]);
  });

  it('is over after exit or ^D, with a status', () => {
    const terminal = new Terminal(boot());
    expect(terminal.ended).toBeUndefined();
    expect(textOf(terminal.type(utf8('false\r\x04ls\r')))).toBe('false\r\n# exit\r\n');
    expect(terminal.ended).toBe(1);
    expect(terminal.type(utf8('ls\r'))).toEqual(new Uint8Array(0));
  });

  it('remembers what was typed, also for the arrows, for each user apart', () => {
    expect(see('echo 1\r\r echo 2\r\x1b[A\x1b[A\rhistory 2\rsu user\rhistory\r').slice(5)).toEqual([
      '# echo 1',
      '1',
      '# history 2',
      '    3  echo 1',
      '    4  history 2',
      '# su user',
      '$ history',
      '    1  history',
      '$',
    ]);
  });

  it('can be copied between commands, with another future each', () => {
    const kernel = boot();
    const first = new Terminal(kernel);
    first.type(utf8('cd /sys/kernel\rfalse\rech'));
    const second = new Terminal(kernel, structuredClone(first.state));
    first.type(utf8('\x15cd /\r'));
    expect(textOf(second.type(utf8('o $?; pwd\r')))).toBe('o $?; pwd\r\n1\r\n/sys/kernel\r\n# ');
    expect(textOf(first.type(utf8('pwd\r')))).toBe('pwd\r\n/\r\n# ');
  });

  it('stops what would go on for ever', () => {
    const terminal = new Terminal(boot());
    const shown = textOf(terminal.type(utf8('yes\r')));
    expect(shown.length).toBeLessThan(2 * OUTPUT_MAX);
    expect(shown).toMatch(/y\r\nsevlab: stopped: it showed 1048576 bytes\r\n# $/);
    expect(textOf(terminal.type(utf8('yes > /dev/null; echo never\r')))).toMatch(
      /never\r\nsevlab: stopped: it took 16384 steps\r\n# $/,
    );
    expect(textOf(terminal.type(utf8('echo $?\r')))).toBe('echo $?\r\n124\r\n# ');
  });

  it.each(['cat', 'grep x', 'tail', 'sha256sum', 'decrypt-file'])(
    'stops %s of a file without an end, in seconds',
    { timeout: 20_000 },
    (program) => {
      const terminal = new Terminal(boot());
      const shown = textOf(terminal.type(utf8(`${program} < /dev/zero > /dev/null - /dev/zero\r`)));
      expect(shown).toMatch(/sevlab: stopped: it took 16384 steps\r\n# $/);
    },
  );
});

describe('whatever is typed', () => {
  const words = fc.constantFrom(
    'ls',
    'ls -la',
    'cat',
    'cat /proc/modules',
    'rm *',
    `cd ${COCO}`,
    'cd ..',
    'cd -',
    'hd *',
    'wc',
    'head -n 1',
    'su user',
    'su',
    'exit',
    'id',
    'echo a > /dev/null',
    'echo b >',
    '|',
    ';',
    '&&',
    '||',
    '2>&1',
    '< /proc/iomem',
    "'",
    '"',
    '\\',
    '*',
    '~',
    '$?',
    'mkdir x',
    'touch x',
    'chmod 600 *',
    'stat .',
    'dmesg',
    'grep a',
    'rmmod efi_secret',
    'modprobe efi_secret',
    'rm -r .',
    'mv * /tmp',
    'cp * /tmp',
    'od',
    'xxd',
    'tail',
    'yes',
    'umount /sys/kernel/security',
    'mount',
    'history',
    'help',
    '\r',
    '\r',
    '\r',
    '\x03',
    '\x04',
    '\x1b[A',
    '\x1b[A\r',
    '\x15',
    'y\r',
    '#',
    '!',
    '(',
  );
  const keys = fc.array(fc.oneof({ weight: 9, arbitrary: words }, fc.string({ maxLength: 4 })), {
    maxLength: 14,
  });

  it('shows the same in any portions, and neither throws nor leaves a file open', () => {
    fc.assert(
      fc.property(keys, fc.array(fc.nat({ max: 200 }), { maxLength: 5 }), (typed, cuts) => {
        const input = utf8(typed.join(' '));
        const run = (portions: readonly Uint8Array[]): [Uint8Array, unknown] => {
          const kernel = boot();
          const terminal = new Terminal(kernel, createTerminalState(40));
          const shown = concat(terminal.start(), ...portions.map((portion) => terminal.type(portion)));
          if (!terminal.busy) expect(kernel.state.files.size).toBe(0);
          return [shown, terminal.state];
        };
        const places = [...new Set(cuts)].filter((cut) => cut < input.length).toSorted((a, b) => a - b);
        const portions = [0, ...places].map((start, i) => input.subarray(start, places[i] ?? input.length));
        expect(run(portions)).toEqual(run([input]));
      }),
      { numRuns: 150 },
    );
  });
});
