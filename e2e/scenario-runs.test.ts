import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SEVLAB } from './test/command-line.ts';

const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';
const FILE = `/sys/kernel/security/secrets/coco/${GUID}`;
const HONEST = ['offer', 'launch', 'measure', 'verify', 'seal', 'inject', 'finish', 'boot'];

const folder = mkdtempSync(join(tmpdir(), 'sevlab-runs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (text: string, name = 's.yaml'): string => {
  writeFileSync(join(folder, name), text);
  return name;
};
const run = (...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(SEVLAB, ['run', ...args], {
    ...{ cwd: folder, encoding: 'utf8' },
    env: { PATH: process.env.PATH, NO_COLOR: '1', PASSPHRASE: 'of the tenant' },
  });
const scenario = (steps: readonly string[], fields = `secrets: [{ guid: ${GUID}, text: hello }]`): string =>
  `version: 1\ntitle: x\n${fields}\nsteps:\n${[...HONEST.map((name) => `{ do: ${name} }`), ...steps].map((step) => `  - ${step}\n`).join('')}`;

describe('checks of what a guest shows', () => {
  it.each([
    [
      `stat: { path: ${FILE}, mode: '0440', uid: 0, gid: 0, size: 0, nlink: 1 }`,
      `stat: { path: ${FILE}, mode: '0444' }`,
      'expected mode 0444, got mode 0440',
    ],
    [
      `stat: { path: /sys/kernel/security/secrets/coco, mode: '0755' }`,
      'stat: { path: /nowhere, uid: 0 }',
      'expected uid 0, got ENOENT',
    ],
    [
      `files: { path: /sys/kernel/security/secrets/coco, names: [${GUID}] }`,
      'files: { path: /sys/kernel/security/secrets/coco, names: [] }',
      `expected nothing, got ${GUID}`,
    ],
    [
      `call: { name: unlink, path: ${FILE}, as: user, errno: EACCES }`,
      `call: { name: unlink, path: ${FILE}, errno: EACCES }`,
      'expected EACCES, got none',
    ],
    [
      `call: { name: open, path: ${FILE}, as: auditor, errno: none }`,
      `call: { name: open, path: ${FILE}, as: user, errno: none }`,
      'expected none, got EACCES',
    ],
    [
      `call: { name: mkdir, path: /sys/kernel/security/x, errno: EPERM }`,
      `call: { name: readdir, path: ${FILE}, errno: none }`,
      'expected none, got ENOTDIR',
    ],
    [
      'trace: [{ type: command, name: LAUNCH_SECRET }, { type: status, status: SUCCESS }, { type: vmrun }, { type: printk }]',
      'trace: [{ type: vmrun }, { type: command, name: LAUNCH_SECRET }]',
      /expected \{"type":"command","name":"LAUNCH_SECRET"\}, got no such event behind event \d+, which is number 1 of these/,
    ],
    ['measurement: { hex: MEASURE }', "measurement: { hex: '0000' }", /expected 0000, got [0-9a-f]{4}/],
  ])('%s holds', (holds, fails, told) => {
    const first = run(write(scenario([`check: { measurement: { hex: '${'00'.repeat(48)}' } }`])));
    const measure = /got ([0-9a-f]{96})/.exec(first.stderr)?.[1] ?? '';
    const check = (text: string) => run(write(scenario([`check: { ${text.replace('MEASURE', measure)} }`])));
    expect(check(fails)).toMatchObject({ status: 1 });
    expect(check(fails).stderr).toMatch(told);
    expect(run(write(scenario([`check: { ${holds.replace('MEASURE', measure)} }`])))).toMatchObject({
      status: 0,
    });
  });

  it('a shell command is typed by whom it says', () => {
    const steps = [
      `{ shell: 'id -un', as: auditor, expect: { output: "auditor\\n" } }`,
      `{ shell: 'cat ${FILE}', as: user, expect: { output: "cat: ${FILE}: Permission denied\\n", status: 1 } }`,
    ];
    expect(run(write(scenario(steps)))).toMatchObject({ status: 0, stderr: '' });
    const { status, stderr } = run(write(scenario([`{ shell: id, as: nobody }`])));
    expect(status).toBe(4);
    expect(stderr).toContain("the guest has no account 'nobody'");
  });
});

it('a secret may come from the environment', () => {
  const steps = [`check: { file: { guid: ${GUID}, text: of the tenant } }`];
  expect(run(write(scenario(steps, `secrets: [{ guid: ${GUID}, env: PASSPHRASE }]`)))).toMatchObject({
    status: 0,
  });
  const { status, stderr } = run(write(scenario(steps, `secrets: [{ guid: ${GUID}, env: NO_SUCH_THING }]`)));
  expect(status).toBe(4);
  expect(stderr).toContain('secrets[0]: the environment has no NO_SUCH_THING');
});

describe('faults', () => {
  const packet = 'attack: { packet: { part: data, bit: 3 } }';
  const steps = ['{ do: inject, expect: { status: BAD_MEASUREMENT } }'];
  const upTo = (fault: string): string =>
    `version: 1\ntitle: x\nsecrets: [{ guid: ${GUID}, text: hello }]\nfaults: [{ name: noise, at: inject, ${fault} ${packet} }]\nsteps:\n` +
    [...HONEST.slice(0, 5).map((name) => `{ do: ${name} }`), ...steps]
      .map((step) => `  - ${step}\n`)
      .join('');

  it('strike in front of their step, and are told in the trace', () => {
    expect(run(write(upTo('')), '--trace', 'trace.jsonl')).toMatchObject({ status: 0 });
    expect(readFileSync(join(folder, 'trace.jsonl'), 'utf8')).toMatch(
      /"type":"attack","name":"packet","fault":"noise"/,
    );
  });

  it('at the time that they name, or by chance, which the seed decides', () => {
    expect(run(write(upTo('on: 2,')))).toMatchObject({ status: 1 });
    expect(run(write(upTo('on: 1,')))).toMatchObject({ status: 0 });
    expect(run(write(upTo('chance: 0,')))).toMatchObject({ status: 1 });
    const outcomes = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(
      (seed) => run(write(upTo('chance: 0.5,')), '--seed', seed).status,
    );
    expect(new Set(outcomes)).toEqual(new Set([0, 1]));
    expect(run('s.yaml', '--seed', 'a').status).toBe(outcomes[0]);
  });
});

describe('a matrix', () => {
  const text = scenario(
    [],
    `matrix: { linux: ['6.1', '6.12'], platform.part: [milan, genoa] }\nsecrets: [{ guid: ${GUID}, text: hello }]`,
  );

  it('is a run for every combination', () => {
    expect(run(write(text)).stdout.split('\n')).toEqual([
      's.yaml [linux 6.1, platform.part milan]: as expected, 8 steps',
      's.yaml [linux 6.1, platform.part genoa]: as expected, 8 steps',
      's.yaml [linux 6.12, platform.part milan]: as expected, 8 steps',
      's.yaml [linux 6.12, platform.part genoa]: as expected, 8 steps',
      '',
    ]);
    expect(run(write(text), '--only', '6.12, platform.part milan').stdout.split('\n')).toHaveLength(2);
    expect(run(write(text), '--only', 'rome')).toMatchObject({ status: 2 });
  });

  it('is where a mistake in one of its values is told', () => {
    expect(run(write(text.replace('milan', 'milna'))).stderr).toMatch(
      /^sevlab run: s\.yaml:3:\d+: platform\.part: expected one of .*did you mean milan\?/,
    );
  });
});

describe('a run that deviates', () => {
  it('says how to have it again', () => {
    const { stderr, status } = run(
      write(scenario(['{ shell: ls, expect: { output: "x\\n" } }'], "linux: '6.12'")),
      '--seed',
      'it is',
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/\nreproduce with sevlab \d+\.\d+\.\d+: sevlab run s\.yaml --seed 'it is'\n$/);
  });

  it('is what the file expects after --update, and the rest of the file stays', () => {
    const text = `# a lesson\n${scenario([
      `{ shell: 'cat ${FILE}', expect: { output: other } } # why`,
      '{ shell: "false" }',
    ]).replace('{ do: seal }', '{ do: seal }\n  - attack: { packet: { part: data, bit: 1 } }')}`;
    const ends = text.indexOf('  - { do: finish }');
    write(text.slice(0, ends));
    expect(run('s.yaml', '--update')).toMatchObject({ status: 0 });
    const updated = readFileSync(join(folder, 's.yaml'), 'utf8');
    expect(updated).toContain('- { do: inject, expect: { status: BAD_MEASUREMENT } }');
    expect(updated.startsWith('# a lesson\n')).toBe(true);

    write(text.replace('  - attack: { packet: { part: data, bit: 1 } }\n', ''));
    expect(run('s.yaml', '--update')).toMatchObject({ status: 0 });
    const shell = readFileSync(join(folder, 's.yaml'), 'utf8');
    expect(shell).toContain('expect: { output: hello }');
    expect(shell).toContain('# why');
    expect(shell).toMatch(/shell: "false",.*status: 1/);
  });

  it('is not updated where a person has to decide', () => {
    write(scenario([`check: { file: { guid: ${GUID}, text: other } }`]));
    const { status, stderr } = run('s.yaml', '--update');
    expect(status).toBe(1);
    expect(stderr).toContain('what a check looks for is for people to change');
    write(scenario(['{ shell: "true" }']), 'base.yaml');
    writeFileSync(join(folder, 'top.yaml'), 'include: base.yaml\nsteps: [{ shell: "false" }]\n');
    expect(run('top.yaml', '--update').status).toBe(0);
    expect(readFileSync(join(folder, 'top.yaml'), 'utf8')).toContain('status: 1');
  });
});

describe('an attack on what is not there', () => {
  const first = (step: string): string => `version: 1\ntitle: x\nsteps:\n  - attack: ${step}\n`;
  it.each([
    [
      '{ command: DBG_DECRYPT, fields: { dhCertLen: 1 } }',
      'attack DBG_DECRYPT: no field dhCertLen; expected handle',
    ],
    ['{ command: PDH_GEN, fields: { handle: 1 } }', 'attack PDH_GEN: no field handle; expected none'],
    ['{ command: ACTIVATE, fields: { handle: guest.handel } }', 'did you mean guest.handle?'],
    [
      '{ command: ACTIVATE, fields: { asid: 4294967296 } }',
      'attack ACTIVATE.asid: expected a number of at most 4 bytes',
    ],
    ['{ command: LAUNCH_UPDATE_DATA, fields: { paddr: { gpa: "0x0" } } }', 'the guest has no memory yet'],
    ['{ keep: { from: measurement, as: m } }', 'measurement: no bytes are kept under that name yet'],
    [
      '{ xor: { of: [{ from: nothing }, { text: x }], as: y } }',
      'nothing: no bytes are kept under that name yet',
    ],
    ['{ owner: rewind }', 'there is nothing to go back to; expected a snapshot before'],
    ['{ vmsa: { bit: 0 } }', 'attack vmsa: there is no guest yet'],
    ['{ run: { asid: 1, gpa: "0x0", length: 16, as: x } }', 'attack run: the guest has no memory yet'],
    ['{ damage: { of: area, hex: "00" } }', 'expected a firmware step before it'],
    ['{ unwrap: { session: a, peer: b, key: c, as: d } }', 'b: no bytes are kept under that name yet'],
  ])('%s is told, with what is there', (step, told) => {
    const { status, stderr } = run(write(first(step)));
    expect({ status, stderr }).toEqual({ status: 4, stderr: expect.stringContaining(told) });
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('also where kept bytes are no header, or fewer than were asked for', () => {
    const kept = `${first('{ keep: { hex: "00", as: p.header } }')}  - attack: { keep: { hex: "00", as: p.data } }\n`;
    expect(run(write(`${kept}  - attack: { decrypt: { keys: zero, packet: p, as: x } }\n`))).toMatchObject({
      ...{ status: 4, stderr: expect.stringMatching(/attack decrypt: .* expected 52 bytes, got 1\n$/) },
    });
    const part = `${kept}  - check: { same: [{ from: p.data, offset: 1, length: 2 }, { text: x }] }\n`;
    expect(run(write(part)).stderr).toContain('p.data has 1 bytes; expected a part of them, got 1 to 3');
  });

  it('is refused by the processor, and a step says so or expects it', () => {
    const step = 'attack: { run: { asid: 300, gpa: "0x810000", length: 16, as: x } }';
    const { status, stderr } = run(write(scenario([`{ ${step} }`])));
    expect(status).toBe(1);
    expect(stderr).toContain('VMRUN refused: ASID 300 is not active');
    expect(run(write(scenario([`{ ${step}, expect: { refused: is not active } }`])))).toMatchObject({
      status: 0,
    });
    expect(run(write(scenario([], `faults: [{ name: noise, at: boot, ${step} }]`)))).toMatchObject({
      status: 0,
    });
  });
});
