import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSecretTable, SecretHeader } from '@sevlab/codec/efi/secret-table';
import { EFI_SECRET_TABLE_HEADER_GUID, parseGuid } from '@sevlab/codec/guid';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { buildImage, type ImageOptions } from '@sevlab/firmware-sim/image';
import { packetMac, sealPacket } from '@sevlab/sev-channel/packet';
import { describe, expect, it } from 'vitest';
import { SEVLAB, typeIn } from './test/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-bad-input-'));
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return name;
};

const type = (...line: string[]) => typeIn(folder, ...line);

/** One message, in the form that all have, and nothing else. */
function expectRefusal(result: ReturnType<typeof type>, exitCode: number, message: RegExp): void {
  expect(result.stderr).toMatch(message);
  expect(result.stderr).toMatch(/^sevlab[a-z ]*: /);
  expect(result.stderr).not.toMatch(/\n {4}at |node:internal|Error:/); // a stack trace
  expect(result.status).toBe(exitCode);
}

const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';
const scenario = (name: string, fields: object): string =>
  file(name, JSON.stringify({ version: 1, title: name, policy: ['NODBG'], ...fields }));
const HONEST = ['offer', 'launch', 'measure', 'verify', 'seal', 'inject'].map((step) => ({ do: step }));
const image = (name: string, options: Partial<ImageOptions>): string =>
  file(name, buildImage({ layout: '202405', ...options }));

describe('an image', () => {
  const secrets = [{ guid: GUID, text: 'x' }];
  it.each([
    [
      'without a GUIDed table',
      image('no-table.fd', { table: false }),
      /no GUIDed table .*; expected an AmdSev image/,
    ],
    [
      'without a secret block',
      image('no-block.fd', { secretArea: 'none' }),
      /no secret block; expected an entry/,
    ],
    [
      'with a secret block of 0/0',
      image('zero.fd', { secretArea: { base: 0, size: 0 } }),
      /base 0x0 and size 0; expected both to be other than zero/,
    ],
    [
      'whose area lies above guest memory',
      image('above.fd', { secretArea: { base: 0x7000_0000, size: 0xc00 } }),
      /ends at 0x70000c00; expected it within guest memory/,
    ],
    [
      'whose area is too small for the secrets',
      image('small.fd', { secretArea: { base: 0x81_0000, size: 32 } }),
      /has 41 bytes; expected at most 32/,
    ],
  ])('%s', (_, firmware, message) => {
    const name = scenario(`${firmware}.json`, { firmware: { file: firmware }, secrets, steps: HONEST });
    expectRefusal(type('run', name), 1, message);
  });

  it('that is missing is a configuration that cannot be', () => {
    const name = scenario('missing.json', { firmware: { file: 'nowhere.fd' }, steps: HONEST });
    expectRefusal(type('run', name), 4, /nowhere\.fd: no such file; expected a file that can be read/);
  });

  it('that is damaged is named by inspect', () => {
    const bytes = buildImage({ layout: '202405' });
    bytes[1000]! ^= 1;
    expectRefusal(type('firmware', 'inspect', file('damaged.fd', bytes)), 1, /damaged.*SHA-256/);
  });
});

describe('a launch', () => {
  it.each([
    [
      'whose image the host changed',
      { image: { offset: 4096, hex: '00ff00ff' } },
      /measurement does not match; expected that of launch digest [0-9a-f]{64}, policy 0x1 .* got/,
    ],
    ['whose measurement the host changed', { measurement: { bit: 0 } }, /measurement does not match/],
    ['whose policy the host changed', { policy: [] }, /BAD_MEASUREMENT/],
    ['whose packet the host changed', { packet: { part: 'header', bit: 200 } }, /BAD_MEASUREMENT/],
  ])('%s', (_, attack, message) => {
    const steps = [{ attack }, ...HONEST];
    const name = scenario('attacked.json', { secrets: [{ guid: GUID, text: 'x' }], steps });
    expectRefusal(type('run', name), 1, message);
  });
});

describe('a packet', () => {
  const [tek, tik, measure] = [16, 16, 32].map((length, i) => new Uint8Array(length).fill(i + 1)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const iv = new Uint8Array(16).fill(9);
  const sealed = sealPacket({
    tek,
    tik,
    measure,
    iv,
    plaintext: encodeSecretTable([{ guid: parseGuid(GUID), data: tek }]),
  });
  const keys = [
    '--tek',
    file('tek', tek),
    '--tik',
    file('tik', tik),
    '--measurement',
    file('measure', measure),
  ];
  const packet = (name: string, header: PacketHeader, data: Uint8Array) => [
    '--header',
    file(`${name}.hdr`, PacketHeader.encode(header)),
    '--payload',
    file(`${name}.bin`, data),
  ];
  /** A packet whose MAC is right for its length, as a tool might make it. */
  const ofLength = (length: number) => {
    const data = new Uint8Array(length);
    const mac = packetMac({ tik, measure, header: { flags: 0, iv }, guestLen: length, data });
    return packet(`of-${length}`, { flags: 0, iv, mac }, data);
  };
  const good = packet('good', sealed.header, sealed.data);
  const wrong = (option: string, length: number) =>
    keys.map((value, i) =>
      keys[i - 1] === option ? file('wrong', new Uint8Array(length).fill(0x77)) : value,
    );

  it('that is right is opened', () => {
    const { status, stdout } = type('packet', 'open', ...good, ...keys);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining(`${GUID}  16 bytes`) });
  });

  it.each([15, 17, 20_496])('of %i bytes', (length) => {
    expectRefusal(
      type('packet', 'open', ...ofLength(length), ...keys),
      1,
      /INVALID_LENGTH: expected (a multiple of 16|at most 16384) bytes, got/,
    );
  });

  it('with another MAC', () => {
    const forged = packet('forged', { ...sealed.header, mac: new Uint8Array(32) }, sealed.data);
    expectRefusal(
      type('packet', 'open', ...forged, ...keys),
      1,
      /the MAC does not match; expected [0-9a-f]{64}, got 0{64}/,
    );
  });

  it.each([
    ['--tik', 16],
    ['--measurement', 32],
  ])('opened with another %s', (option, length) => {
    expectRefusal(type('packet', 'open', ...good, ...wrong(option, length)), 1, /the MAC does not match/);
  });

  it.each([
    ['--header', 51],
    ['--tek', 15],
  ])('with a %s of the wrong size', (option, length) => {
    const all = [...good, ...keys].map((value, i, list) =>
      list[i - 1] === option ? file('odd', new Uint8Array(length).fill(0xff)) : value,
    );
    expectRefusal(
      type('packet', 'open', ...all),
      2,
      new RegExp(
        `odd: expected ${option === '--tek' ? 16 : 52} bytes raw, in base64 or in hexadecimal, got ${length}`,
      ),
    );
  });

  it('without its header', () => {
    expectRefusal(
      type('packet', 'open', ...keys),
      2,
      /required option '--header <file>' not specified; try sevlab packet open --help/,
    );
  });

  it('leaves nothing behind when it is refused', () => {
    type('packet', 'open', ...good, ...wrong('--tik', 16), '--out', 'plaintext');
    expect(existsSync(join(folder, 'plaintext'))).toBe(false);
  });
});

describe('a secret table', () => {
  it.each([
    ['that says more than there is', 5000, /the header announces 5000 bytes; expected 20 to 3072/],
    ['that says less than its header', 19, /the header announces 19 bytes; expected 20 to 3072/],
  ])('with a header %s', (_, len, message) => {
    const area = new Uint8Array(3072);
    area.set(SecretHeader.encode({ guid: EFI_SECRET_TABLE_HEADER_GUID, len }));
    expectRefusal(type('table', 'decode', file('lying.bin', area)), 1, message);
    const probe = type('guest', '--area', 'lying.bin', '--mode', 'bind', '--json');
    expect(JSON.parse(probe.stdout)).toMatchObject({ probe: { err: 'EINVAL' }, dir: 'ENOENT' });
  });

  it.each([
    ['a GUID twice', [`${GUID}:text:a`, `${GUID}:text:b`], /is given twice; expected each GUID once/],
    ['a malformed GUID', ['736869e5-84f0:text:a'], /malformed GUID '736869e5-84f0'; expected 8-4-4-4-12/],
    ['the GUID of a deleted entry', ['00000000-0000-0000-0000-000000000000:text:a'], /is NULL_GUID/],
    ['no value', [GUID], /malformed; expected GUID:FILE/],
    [
      'a file that is missing',
      [`${GUID}:nowhere`],
      /nowhere: no such file; expected a file that can be read/,
    ],
    ['a folder for a file', [`${GUID}:.`], /\.: it is a folder; expected a file that can be read/],
    ['hexadecimal that is none', [`${GUID}:hex:xyz`], /expected an even number of hexadecimal digits/],
  ])('with %s', (_, secrets, message) => {
    const before = readdirSync(folder);
    const options = secrets.flatMap((secret) => ['--secret', secret]);
    const result = type('table', 'encode', ...options, '--out', 'table.bin');
    expectRefusal(result, 2, message);
    expect(result.stdout).toBe('');
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('a command line', () => {
  it.each([
    [['tabel'], /unknown command 'tabel' \(Did you mean table\?\); try sevlab --help/],
    [['demo', '--quite'], /unknown option '--quite' \(Did you mean --quiet\?\); try sevlab demo --help/],
    [['demo', '--linux', '2.4'], /--linux: there is no kernel '2\.4'; expected one of documented, 5\.19/],
    [['run', '--linux', '2.4', 'x'], /--linux: there is no kernel '2\.4'/],
    [['run', '--trace', 't', 'x', 'y'], /--trace: expected one scenario for one trace, got 2/],
    [['dmeo', '--help'], /unknown command 'dmeo' \(Did you mean demo\?\)/],
    [['annotate', 'toString', 'x'], /no structure 'toString'/],
    [
      ['annotate', 'session', 'hex:00', '--offset', '-1'],
      /--offset: expected a byte of the file, 0 to 1, got -1/,
    ],
    [
      ['annotate', 'session', 'hex:00', '--offset', 'x'],
      /--offset: expected a byte of the file, 0 to 1, got NaN/,
    ],
    [
      ['packet', 'open', '--header', 'hex:5ec3e7', '--payload', 'x', '--tek', 'x', '--tik', 'x'],
      /hex:…: expected 52 bytes, got 3/,
    ],
    [
      ['demo', '--trace', 'no/such/folder/t'],
      /no\/such\/folder\/t: no such file; expected a place that can be written/,
    ],
    [['annotate', 'sesion', 'x'], /no structure 'sesion'; expected one of .*session/],
    [['conform', '--update'], /--update: expected --expect FILE/],
    [['conform', 'LSE-9999'], /no case LSE-9999; try sevlab conform --list/],
    [['guest'], /no secret area given; expected one FILE or more/],
    [['guest', '--mode', 'both', 'x'], /--mode both: expected bind, load or none/],
    [['guest', '--size', '2e3', 'x'], /--size 2e3: expected a number from 0 to 2\^64-1, decimal or 0x…/],
    [['guest', 'nowhere'], /nowhere: no such file; expected a file that can be read/],
    [['conform', '--target', 'xen'], /--target xen: expected sim, linux or exec:COMMAND/],
    [['firmware', 'build', '--out', 'fw', '--layout', '1999'], /no layout '1999'; expected one of 202102/],
    [['firmware', 'build', '--out', 'fw', '--size', '5000'], /expected a multiple of 4096 .* got 5000/],
    [['firmware', 'inspect', 'nowhere'], /nowhere: no such file/],
    [['run', 'nowhere.yaml'], /nowhere\.yaml: no such file/],
  ])('%j', (line, message) => {
    expectRefusal(type(...line), 2, message);
    expect(existsSync(join(folder, 'fw'))).toBe(false);
  });

  it.each([
    ['not YAML', 'steps: [', /bad\.yaml:1:9: no YAML/],
    [
      'a step that is none',
      'version: 1\ntitle: x\nsteps: [{ do: offr }]',
      /bad\.yaml:3:11: steps\[0\]\.do: expected one of offer, launch.*did you mean offer\?/,
    ],
    [
      'a field that is none',
      'version: 1\ntitle: x\nsteps: []\nsecret: 1',
      /bad\.yaml:4:1: secret: no such field; did you mean secrets\?/,
    ],
    [
      'a malformed size',
      'version: 1\ntitle: x\nsteps: []\nmemory: lots',
      /bad\.yaml:4:1: memory: expected a number and KiB, MiB or GiB, such as 512 MiB; got 'lots'/,
    ],
  ])('run with a scenario that is %s', (_, text, message) => {
    expectRefusal(type('run', file('bad.yaml', text)), 4, message);
  });

  it.each([
    ['linux: 6.1', /linux: expected text; got the number 6\.1: put it in quotes/],
    ["linux: '9.9'", /linux: there is no kernel '9\.9'/],
    ['firmware: { size: 1 GiB }', /firmware: image size: expected a multiple of 4096/],
    [
      "secrets: [{ guid: 736869e5-84f0-4973-92ec-06879ce3da0b, hex: 'abc' }]",
      /secrets\[0\]: expected an even number/,
    ],
    [
      'secrets: [{ guid: 736869e5-84f0-4973-92ec-06879ce3da0b, text: x }]\ndisk: { key: 736869e5-84f0-4973-92ec-06879ce3da0b, text: y }',
      /disk\.key: expected a secret of 32 bytes, got 1/,
    ],
  ])('run with a scenario that says %s', (fields, message) => {
    const name = file('said.yaml', `version: 1\ntitle: x\nsteps: [{ do: offer }]\n${fields}`);
    const result = type('run', name);
    expectRefusal(result, 4, message);
    expect(result.stderr).toContain('sevlab run: said.yaml:');
  });

  it('run tells of every file, and ends with the worst', () => {
    const deviating = scenario('deviates.json', { steps: [{ do: 'offer', expect: { status: 'INACTIVE' } }] });
    const { status, stderr } = type('run', deviating, 'nowhere.yaml');
    expect({ status, lines: stderr.trimEnd().split('\n') }).toEqual({
      status: 2,
      lines: [
        'sevlab run: deviates.json: offer: expected INACTIVE, got SUCCESS',
        expect.stringMatching(/^reproduce with sevlab .*: sevlab run deviates\.json --seed sevlab$/),
        'nowhere.yaml: no such file; expected a file that can be read',
      ],
    });
  });

  it('run never quotes a file that is no scenario', () => {
    const { stderr, status } = type('run', file('key', 'passphrase: [hunter2\u001b[31m'));
    expect({ status, quoted: stderr.includes('hunter2') || stderr.includes('\u001b') }).toEqual({
      status: 4,
      quoted: false,
    });
  });

  it('run reads standard input', () => {
    const input = JSON.stringify({ version: 1, title: 'x', steps: [{ do: 'offer' }] });
    const { status, stdout } = spawnSync(SEVLAB, ['run', '-'], { cwd: folder, encoding: 'utf8', input });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '-: as expected, 1 steps\n' });
  });

  it('run keeps secrets out of what it prints, unless asked', () => {
    const steps = [
      ...HONEST,
      { do: 'finish' },
      { do: 'boot' },
      { shell: `cat /sys/kernel/security/secrets/coco/${GUID}`, expect: { output: 'other' } },
    ];
    const name = scenario('leaks.json', {
      secrets: [{ guid: GUID, text: 'hunter2hunter2' }],
      steps,
      linux: '6.1',
    });
    const check = scenario('checks.json', {
      secrets: [{ guid: GUID, text: 'hunter2hunter2' }],
      steps: [...steps.slice(0, -1), { check: { file: { guid: GUID, text: 'hunter2hunter3' } } }],
    });
    for (const line of [
      ['run', name],
      ['run', '--json', name],
      ['run', check],
      ['run', '--json', check],
    ]) {
      const { stdout, stderr, status } = type(...line);
      expect({ status, leaks: /hunter2/.test(stdout + stderr) }).toEqual({ status: 1, leaks: false });
    }
    expect(type('run', check).stderr).toContain('expected 14 bytes, got 14 bytes, different from byte 13 on');
    expect(type('run', '--reveal', name).stderr).toContain('hunter2hunter2');
  });

  it('with a key in it is not repeated', () => {
    const { stderr } = type(
      'packet',
      'open',
      '--header',
      'x',
      '--payload',
      'x',
      '--tek',
      'hex:5ec3e75ec3e7x',
      '--tik',
      'x',
    );
    const table = type('table', 'encode', '--secret', 'hunter2', '--secret', `${GUID}:hex:5ec3e7x`);
    expect(stderr + table.stderr).not.toMatch(/5ec3e7|hunter2/);
  });

  it('that is read by nobody any more is no error', () => {
    const { status } = spawnSync('bash', ['-c', `set -o pipefail; "${SEVLAB}" demo | head -n 1`], {
      cwd: folder,
    });
    expect(status).toBe(0);
  });
});

describe('what a command writes', () => {
  const encode = (target: string) => type('table', 'encode', '--secret', `${GUID}:text:a`, '--out', target);

  it('goes into a device or a pipe, which stays what it is', () => {
    spawnSync('mkfifo', [join(folder, 'pipe')]);
    const { stdout } = spawnSync(
      'bash',
      ['-c', `cat pipe & "${SEVLAB}" table encode --secret ${GUID}:text:a --out pipe; wait`],
      { cwd: folder },
    );
    expect(stdout.length).toBe(41);
    expect(statSync(join(folder, 'pipe')).isFIFO()).toBe(true);
    expect(encode('/dev/null').status).toBe(0);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
    expectRefusal(
      encode('/dev/full'),
      2,
      /\/dev\/full: no space is left; expected a place that can be written/,
    );
  });

  it('follows a symbolic link, and keeps the mode of a file', () => {
    writeFileSync(join(folder, 'private'), '', { mode: 0o600 });
    symlinkSync('private', join(folder, 'link'));
    expect(encode('link').status).toBe(0);
    expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
    expect(statSync(join(folder, 'private'))).toMatchObject({ size: 41, mode: 0o100600 });
  });

  it('leaves nothing beside a target that cannot be written', () => {
    mkdirSync(join(folder, 'in-the-way'));
    const before = readdirSync(folder);
    expectRefusal(encode('in-the-way'), 2, /in-the-way: it is a folder/);
    expect(readdirSync(folder)).toEqual(before);
  });

  it('to a full standard output is one message', () => {
    const { status, stderr } = spawnSync('bash', ['-c', `"${SEVLAB}" demo --quiet > /dev/full`], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 2, stderr: 'sevlab: standard output: no space is left\n' });
  });
});
