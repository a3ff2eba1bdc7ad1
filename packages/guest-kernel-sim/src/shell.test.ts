import { readFileSync } from 'node:fs';
import { createObserver } from '@sevlab/ambient/observer';
import { fromHex, indexOfBytes, utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { describe, expect, it } from 'vitest';
import { bootKernel } from './boot.ts';
import { timeText } from './coreutils/ls.ts';
import type { Kernel } from './kernel.ts';
import { O_CREAT, O_WRONLY } from './open-flags.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';
import { ROOT } from './user.ts';

const COCO = '/sys/kernel/security/secrets/coco';
const KATA = 'e6f5a162-d67f-4750-a67c-5d065f2a9910';
const secrets = [
  { guid: parseGuid('736870e5-84f0-4973-92ec-06879ce3da0b'), data: utf8('disk-passphrase') },
  { guid: parseGuid('83c83f7f-1356-4975-8b7e-d3a0b54312c6'), data: utf8('AAAAAAAAAAAAAAAA') },
  { guid: parseGuid('9553f55d-3da2-43ee-ab5d-ff17f78864d2'), data: utf8('x') },
  {
    guid: parseGuid(KATA),
    data: fromHex('74686573652d6172652d7468652d6b6174612d736563726574730001020304050607'),
  },
];

function boot(name = '5.19'): Kernel {
  const observer = createObserver({ record: true });
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    context.memory.writePrivate(PLAIN_GUEST.area, encodeSecretTable(secrets));
    return bootKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: kernelProfile(name),
      observer,
    });
  });
}

describe('the example of the kernel documentation', () => {
  const expected = readFileSync(new URL('../test/vectors/coco-rst-transcript.txt', import.meta.url), 'utf8');
  const type = (kernel: Kernel): string =>
    [`ls -la ${COCO}`, `hd ${COCO}/${KATA}`, `rm ${COCO}/${KATA}`, `ls -la ${COCO}`]
      .map((command) => `# ${command}\n${kernel.run(command).output}`)
      .join('');

  it.each(['documented', '5.19', '6.1.148', '6.12.42'])('is what %s shows, byte for byte', (name) => {
    expect(type(boot(name))).toBe(expected);
  });

  it.each(['6.1', '6.12', '7.3'])('differs on %s in the time of the directory alone', (name) => {
    expect(type(boot(name))).toBe(expected.replace('Jun 28 11:55 .\n', 'Jun 28 11:54 .\n'));
  });
});

describe('ls', () => {
  it('sorts, or with -U gives the order of the directory, newest first', () => {
    const kernel = boot();
    const sorted = secrets.map(({ guid }) => `${guid}\n`);
    expect(kernel.run(`ls ${COCO}`).output).toBe(sorted.join(''));
    expect(kernel.run(`ls -U ${COCO}`).output).toBe(sorted.toReversed().join(''));
  });

  it('shows where links lead, and paths go through them', () => {
    const kernel = boot();
    const link = '/sys/bus/platform/devices/efi_secret.0';
    expect(kernel.run('ls -l /sys/bus/platform/devices').output).toBe(
      'total 0\nlrwxrwxrwx 1 root root 0 Jun 28 11:54 efi_secret.0 -> ../../../devices/platform/efi_secret.0\n',
    );
    expect(kernel.run(`cat ${link}/modalias`).output).toBe('platform:efi_secret\n');
    expect(kernel.run(`cat ${link}/driver/efi_secret.0/uevent`).output).toContain('DRIVER=efi_secret\n');
    expect(kernel.run(`ls ${link}/`).output).toBe('driver\ndriver_override\nmodalias\nsubsystem\nuevent\n');
    expect(kernel.run(`cat ${link}/modalias/x`).output).toBe(`cat: ${link}/modalias/x: Not a directory\n`);
  });

  it('says what it cannot find', () => {
    expect(boot().run('ls /nonexist')).toMatchObject({
      output: "ls: cannot access '/nonexist': No such file or directory\n",
      status: 2,
    });
  });

  it('prints files first, then directories under their names', () => {
    const { output } = boot().run(`ls ${COCO} /proc/iomem ${COCO}/..`);
    expect(output).toBe(
      `/proc/iomem\n\n${COCO}:\n${secrets.map(({ guid }) => `${guid}\n`).join('')}\n${COCO}/..:\ncoco\n`,
    );
  });

  it('widens columns for the widest entry, and puts numbers of nobody on the right', () => {
    const kernel = boot();
    kernel.as({ uid: 0, gid: 0, groups: [] }).chown(`${COCO}/${KATA}`, 2000, 5);
    expect(kernel.run(`ls -l ${COCO}`).output.split('\n').slice(3, 5)).toEqual([
      '-r--r----- 1 root root 0 Jun 28 11:54 9553f55d-3da2-43ee-ab5d-ff17f78864d2',
      `-r--r----- 1 2000    5 0 Jun 28 11:54 ${KATA}`,
    ]);
  });

  it('gives the year when a time is older than half a year or in the future', () => {
    const at = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n;
    const now = at('2022-06-28T11:54:05Z');
    const half = 15_778_476n * 1_000_000_000n;
    expect(timeText(now - half + 1n, now)).toBe('Dec 27 20:59');
    expect(timeText(now - half, now)).toBe('Dec 27  2021');
    expect(timeText(now + 1n, now)).toBe('Jun 28  2022');
    expect(timeText(at('2022-06-02T00:00:00Z'), now)).toBe('Jun  2 00:00');
  });
});

describe('hd', () => {
  it.each([
    ['', ''],
    [
      '00'.repeat(16),
      '00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n00000010\n',
    ],
    [
      '00'.repeat(48),
      '00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n00000030\n',
    ],
    [
      '00'.repeat(20),
      '00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n' +
        '00000010  00 00 00 00                                       |....|\n00000014\n',
    ],
    ['7e7f20', '00000000  7e 7f 20                                          |~. |\n00000003\n'],
    [
      '414243444546474849',
      '00000000  41 42 43 44 45 46 47 48  49                       |ABCDEFGHI|\n00000009\n',
    ],
  ])('dumps %s as util-linux 2.38.1 does', (hex, dump) => {
    const kernel = boot();
    const sys = kernel.as(ROOT);
    sys.write(sys.open('/tmp/file', O_WRONLY | O_CREAT), fromHex(hex));
    expect(kernel.run('hd /tmp/file').output).toBe(dump);
  });

  it('fails when no file can be read', () => {
    expect(boot().run('hd /nonexist')).toMatchObject({
      output: 'hd: /nonexist: No such file or directory\nhd: all input file arguments failed\n',
      status: 1,
    });
  });
});

describe('rm', () => {
  it('knows the ways to fail', () => {
    const kernel = boot();
    expect(kernel.run(`rm ${COCO}/nosuch`).output).toBe(
      `rm: cannot remove '${COCO}/nosuch': No such file or directory\n`,
    );
    expect(kernel.run(`rm -f ${COCO}/nosuch`)).toMatchObject({ output: '', status: 0 });
    expect(kernel.run(`rm ${COCO}`).output).toBe(`rm: cannot remove '${COCO}': Is a directory\n`);
    expect(kernel.run('rm /proc/iomem').output).toBe(
      "rm: cannot remove '/proc/iomem': Operation not permitted\n",
    );
    expect(kernel.run('rm').output).toBe("rm: missing operand\nTry 'rm --help' for more information.\n");
    expect(kernel.run('rm -q').output).toBe(
      "rm: invalid option -- 'q'\nTry 'rm --help' for more information.\n",
    );
  });

  it('-rf wipes all secrets and stops at the directory', () => {
    const kernel = boot();
    expect(kernel.run('rm -rf /sys/kernel/security/secrets')).toMatchObject({
      output: `rm: cannot remove '${COCO}': Operation not permitted\n`,
      status: 1,
    });
    expect(kernel.run(`ls ${COCO}`).output).toBe('');
    const area = kernel.memory.readPrivate(PLAIN_GUEST.area, 166);
    for (const { data } of secrets.slice(0, 2)) expect(indexOfBytes(area, data)).toBe(-1);
  });
});

describe('modules', () => {
  it('are listed, unloaded and loaded', () => {
    const kernel = boot();
    expect(kernel.run('lsmod').output).toBe(
      'Module                  Size  Used by\nefi_secret             16384  0\n',
    );
    expect(kernel.run('rmmod efi_secret')).toMatchObject({ output: '', status: 0 });
    expect(kernel.run('ls /sys/kernel/security').output).toBe('lsm\n');
    expect(kernel.run('rmmod efi_secret')).toMatchObject({
      output: 'rmmod: ERROR: Module efi_secret is not currently loaded\n',
      status: 1,
    });
    expect(kernel.run('modprobe platform:efi_secret')).toMatchObject({ output: '', status: 0 });
    expect(kernel.run('modprobe efi_secret')).toMatchObject({ output: '', status: 0 });
    expect(kernel.run('dmesg').output).toMatch(
      /\] efi_secret efi_secret.0: Created 4 entries in securityfs secrets\/coco\n$/,
    );
    expect(kernel.run('modprobe nosuch').status).toBe(1);
  });

  it('stay while a secret is open', () => {
    const kernel = boot('6.12');
    const sys = kernel.as({ uid: 0, gid: 0, groups: [] });
    const fd = sys.open(`${COCO}/${KATA}`);
    expect(kernel.run('lsmod').output).toBe(
      'Module                  Size  Used by\nefi_secret             12288  1\n',
    );
    expect(kernel.run('rmmod efi_secret')).toMatchObject({
      output: 'rmmod: ERROR: Module efi_secret is in use\n',
      status: 1,
    });
    expect(kernel.run('modprobe -r efi_secret')).toMatchObject({
      output: 'modprobe: FATAL: Module efi_secret is in use.\n',
      status: 1,
    });
    sys.close(fd);
    expect(kernel.run('modprobe -r efi_secret').status).toBe(0);
  });

  it('are found by a uevent that somebody asks for', () => {
    const kernel = boot();
    kernel.run('rmmod efi_secret');
    kernel.run('echo add > /sys/devices/platform/efi_secret.0/uevent');
    expect(kernel.run('cat /sys/devices/platform/efi_secret.0/uevent').output).toBe(
      'DRIVER=efi_secret\nMODALIAS=platform:efi_secret\n',
    );
  });

  it('can be unbound and bound through sysfs', () => {
    const kernel = boot();
    const driver = '/sys/bus/platform/drivers/efi_secret';
    expect(kernel.run(`echo efi_secret.0 > ${driver}/bind`).output).toBe(
      'bash: echo: write error: Device or resource busy\n',
    );
    expect(kernel.run(`echo efi_secret.0 > ${driver}/unbind`).status).toBe(0);
    expect(kernel.run(`echo efi_secret.0 > ${driver}/unbind`)).toMatchObject({
      output: 'bash: echo: write error: No such device\n',
      status: 1,
    });
    expect(kernel.run(`echo efi_secret.0 > ${driver}/bind`).status).toBe(0);
    expect(kernel.run(`ls ${COCO}`).output.split('\n').length).toBe(5);
  });
});

describe('the shell', () => {
  it('cannot write a secret, and says how', () => {
    const kernel = boot();
    expect(kernel.run(`echo x > ${COCO}/${KATA}`)).toMatchObject({
      output: 'bash: echo: write error: Invalid argument\n',
      status: 1,
    });
    expect(kernel.run(`echo x > ${COCO}/new`).output).toBe(`bash: ${COCO}/new: Permission denied\n`);
    expect(kernel.run(`cat ${COCO}/${KATA}`).bytes).toEqual(secrets[3]!.data);
  });

  it('takes quotes and knows what it does not know', () => {
    const kernel = boot();
    expect(kernel.run(`echo 'a  b' "c\\"d" e\\ f # g`).output).toBe('a  b c"d e f\n');
    expect(kernel.run('foo')).toMatchObject({ output: 'bash: foo: command not found\n', status: 127 });
    expect(kernel.run('constructor').status).toBe(127);
    expect(kernel.run('')).toMatchObject({ output: '', status: 0 });
  });

  it.each([
    ['echo a & echo b', 'sevlab: this shell has no jobs in the background, at: & echo b'],
    ['ls |& cat', "sevlab: this shell has no '|&'; write '2>&1 |', at: |& cat"],
    ['cat << X', "sevlab: this shell has no redirection but '<', '>', '>>', '2>' and '2>&1', at: << X"],
    ['echo a 3> /tmp/b', 'sevlab: this shell has no descriptors but 0, 1 and 2, at: 3> /tmp/b'],
    ['echo a >&3', "sevlab: '>&' is followed by 1 or 2 in this shell, at: 3"],
    [
      `cat ${COCO}/[a-f]*`,
      'sevlab: this shell expands no brackets and braces; quote the character or write the name out, at: [a-f]*',
    ],
    ['echo $HOME', 'sevlab: this shell has no variables and no substitution; use single quotes, at: $HOME'],
    ['echo "a $b"', 'sevlab: this shell has no variables and no substitution; use single quotes, at: "a $b"'],
    ['A=b ls', 'sevlab: this shell has no variables, at: A=b ls'],
    ['for i in a; do ls; done', 'sevlab: this shell has no control structures, at: for i in a; do ls; done'],
    ["echo it's", "sevlab: a quote or a backslash is open at the end, at: 's"],
    ['echo a \\', 'sevlab: a quote or a backslash is open at the end, at: \\'],
    ['echo a >', "bash: syntax error near unexpected token `newline'"],
    ['echo a > > b', "bash: syntax error near unexpected token `>'"],
    ['| ls', "bash: syntax error near unexpected token `|'"],
    ['ls && ; ls', "bash: syntax error near unexpected token `;'"],
    ['rm x; ls |', 'bash: syntax error: unexpected end of file'],
  ])('refuses %j before anything runs', (line, reason) => {
    const kernel = boot();
    const before = kernel.observer.events.length;
    expect(kernel.run(line)).toMatchObject({ output: `${reason}\n`, status: 2 });
    expect(kernel.observer.events.slice(before).map(({ type }) => type)).toEqual(['shell']);
  });

  it.each(['dmesg -w', 'hd -x /proc/iomem', 'cat -n /proc/iomem'])(
    '%s: an option that is not there is refused',
    (line) => {
      const [name, option] = line.split(' ');
      expect(boot().run(line)).toMatchObject({
        output: `${name}: invalid option -- '${option![1]}'\nTry '${name} --help' for more information.\n`,
        status: 1,
      });
    },
  );

  it('takes quoted what it refuses bare', () => {
    const { output } = boot().run(`echo '*|$x' "a;b\\$" c\\? d~e f#g "h #i" # |`);
    expect(output).toBe('*|$x a;b$ c? d~e f#g h #i\n');
  });

  it('takes a redirection anywhere in the line', () => {
    const kernel = boot();
    const driver = '/sys/bus/platform/drivers/efi_secret';
    expect(kernel.run(`> ${driver}/unbind echo efi_secret.0`)).toMatchObject({ output: '', status: 0 });
    expect(kernel.run(`echo >${driver}/bind efi_secret.0`)).toMatchObject({ output: '', status: 0 });
  });

  it('truncates what it redirects to, even for nothing', () => {
    const kernel = boot();
    kernel.as(ROOT).truncate(`${COCO}/${KATA}`, 7);
    expect(kernel.run(`> ${COCO}/${KATA}`)).toMatchObject({ output: '', status: 0 });
    expect(kernel.as(ROOT).stat(`${COCO}/${KATA}`).size).toBe(0);
  });

  it('ends a pipe whose reader needs no more', () => {
    const kernel = boot();
    expect(kernel.run('yes | grep -q y')).toMatchObject({ output: '', status: 0 });
    expect(kernel.run('yes | hd -n 2').output).toBe(
      '00000000  79 0a                                             |y.|\n00000002\n',
    );
  });

  it('makes no line that is as wide as it is told', () => {
    const kernel = boot();
    expect(kernel.run('stat -c %2000000000s /tmp').output).toBe('%2000000000s\n');
    expect(kernel.run('stat -c %9999s /tmp').output).toHaveLength(10_000);
  });

  it('finds nothing from a directory that is gone', () => {
    const kernel = boot();
    expect(kernel.run('rmdir /root d').output).toBe(
      "rmdir: failed to remove 'd': No such file or directory\n",
    );
    expect(kernel.run('cat file; ls -d /').output).toBe('cat: file: No such file or directory\n/\n');
  });

  it('gives up on a pattern that links multiply, and leaves no file open', () => {
    const kernel = boot();
    kernel.run('ln -s . /tmp/a; ln -s . /tmp/b; ln -s . /tmp/c');
    expect(kernel.run('echo /tmp/*/*/*/*').output.split(' ')).toHaveLength(81);
    expect(kernel.run(`cat < /proc/mounts | echo > /tmp/out ${'/tmp'.padEnd(40, '/*')}`)).toMatchObject({
      output: 'sevlab: stopped: a pattern led to 10000 names\n',
      status: 124,
    });
    expect(kernel.state.files.size).toBe(0);
  });

  it('lists mounts and does not mount twice', () => {
    const kernel = boot();
    expect(kernel.run('mount').output.split('\n')).toEqual([
      'rootfs on / type rootfs (rw)',
      'tmpfs on /dev type tmpfs (rw,relatime,mode=755)',
      'proc on /proc type proc (rw,nosuid,nodev,noexec,relatime)',
      'sysfs on /sys type sysfs (rw,nosuid,nodev,noexec,relatime)',
      'tmpfs on /tmp type tmpfs (rw,relatime)',
      'securityfs on /sys/kernel/security type securityfs (rw,nosuid,nodev,noexec,relatime)',
      '',
    ]);
    expect(kernel.run('mount -t securityfs securityfs /sys/kernel/security').status).toBe(32);
  });

  it('is one event a command, after the time of typing', () => {
    const kernel = boot();
    const before = kernel.observer.clock.now;
    kernel.run('echo hello');
    const event = kernel.observer.events.at(-1);
    expect(event).toMatchObject({ type: 'shell', command: 'echo hello', status: 0 });
    const { output } = event!.closed!;
    expect(Buffer.from(output!).toString()).toBe('hello\n');
    expect(kernel.observer.clock.now - before).toBe(20_000_001_000n);
  });
});
