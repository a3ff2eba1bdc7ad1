import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadScenario } from '@sevlab/lab/scenario/load';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { validateScenario } from '@sevlab/lab/scenario/validate';
import { describeScenarioError, ScenarioError } from '@sevlab/lab/scenario/values';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-scenario-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is said of a scenario, a line each, or nothing; the folder is left out. */
function saidOf(text: string, name = 's.yaml'): string[] {
  const file = join(folder, name);
  writeFileSync(file, text);
  try {
    const { scenario, placeOf } = loadScenario(file);
    setupOf(validateScenario(scenario, placeOf), file, { record: false });
    return [];
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return describeScenarioError(file, error).replaceAll(`${folder}/`, '').split('\n');
  }
}

const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';
/** Three lines; what a row says stands on the fourth. */
const HEAD = 'version: 1\ntitle: x\nsteps: [{ do: offer }]\n';

describe('what is wrong in a scenario is told with its place', () => {
  it.each([
    ['no YAML', 'steps: [', ['s.yaml:1:9: no YAML (BAD_INDENT); expected a scenario']],
    ['a list', '- x', ['s.yaml:1:1: expected a scenario: fields with their values']],
    ['nothing', '', ['s.yaml:1:1: expected a scenario: fields with their values']],
    ['a text', 'hello', ['s.yaml:1:1: expected a scenario: fields with their values']],
    [
      'no version and no steps',
      'title: x',
      ['s.yaml:1:1: expected a field version', 's.yaml:1:1: expected a field steps'],
    ],
    [
      'another version',
      'version: 2\ntitle: x\nsteps: [{ do: offer }]',
      ['s.yaml:1:1: version: expected 1; got 2'],
    ],
    [
      'no steps',
      'version: 1\ntitle: x\nsteps: []',
      ['s.yaml:3:1: steps: it must NOT have fewer than 1 items; got []'],
    ],
    [
      'a misspelt field',
      `${HEAD}secret: []`,
      [/^s\.yaml:4:1: secret: no such field; did you mean secrets\?; expected one of/],
    ],
    ['a field twice', `${HEAD}title: y`, ['s.yaml:4:1: no YAML (DUPLICATE_KEY); expected a scenario']],
    [
      'a number for a version of Linux',
      `${HEAD}linux: 6.1`,
      ['s.yaml:4:1: linux: expected text; got the number 6.1: put it in quotes'],
    ],
    [
      'a size without a unit',
      `${HEAD}memory: 512`,
      [/memory: expected text; got the number 512: put it in quotes/],
    ],
    [
      'a size of another form',
      `${HEAD}memory: 512MB`,
      ["s.yaml:4:1: memory: expected a number and KiB, MiB or GiB, such as 512 MiB; got '512MB'"],
    ],
    [
      'a flag that no policy has',
      `${HEAD}policy: [NODGB]`,
      [/^s\.yaml:4:10: policy\[0\]: expected one of NODBG, .*; got 'NODGB'; did you mean NODBG\?$/],
    ],
    ['a flag twice', `${HEAD}policy: [ES, ES]`, [/^s\.yaml:4:1: policy: it must NOT have duplicate items/]],
    [
      'a part that nobody made',
      `${HEAD}platform: { part: geona }`,
      [/^s\.yaml:4:13: platform\.part: expected one of naples, .*did you mean genoa\?$/],
    ],
    [
      'a switch that is none',
      `${HEAD}platform:\n  switches: { secretMaks: 1 }`,
      [/^s\.yaml:5:15: platform\.switches\.secretMaks: no such field; did you mean secretMax\?/],
    ],
    [
      'a layout that is none',
      `${HEAD}firmware: { layout: '202399' }`,
      [/^s\.yaml:4:13: firmware\.layout: expected one of 202102/],
    ],
    [
      'a step that is none',
      'version: 1\ntitle: x\nsteps:\n  - do: offer\n  - do: lunch',
      [/^s\.yaml:5:5: steps\[1\]\.do: expected one of .*got 'lunch'; did you mean launch\?$/],
    ],
    [
      'a step without a name',
      'version: 1\ntitle: x\nsteps:\n  - offer',
      [
        "s.yaml:4:5: steps[0]: expected one of do, shell, attack, check, with its value; got the string 'offer'",
      ],
    ],
    [
      'a step of another name',
      'version: 1\ntitle: x\nsteps:\n  - shel: ls',
      ['s.yaml:4:5: steps[0]: expected one of do, shell, attack, check; got shel; did you mean shell?'],
    ],
    [
      'a step of two kinds',
      'version: 1\ntitle: x\nsteps:\n  - { do: offer, shell: ls }',
      ['s.yaml:4:5: steps[0]: expected one of do, shell, attack, check; got do and shell'],
    ],
    [
      'an expectation that is none',
      'version: 1\ntitle: x\nsteps:\n  - do: offer\n    expect: { stats: SUCCESS }',
      [
        's.yaml:5:15: steps[0].expect.stats: no such field; did you mean status?; expected one of status, refused',
      ],
    ],
    [
      'an attack that is none',
      'version: 1\ntitle: x\nsteps:\n  - attack: { flp: { gpa: 0x0, bit: 1 } }',
      [/^s\.yaml:4:5: steps\[0\]\.attack: expected one of write, flip, .*got flp; did you mean flip\?$/],
    ],
    [
      'an attack without its place',
      'version: 1\ntitle: x\nsteps:\n  - attack: { flip: { bit: 1 } }',
      ['s.yaml:4:15: steps[0].attack.flip: expected a field gpa'],
    ],
    [
      'an address in decimal',
      "version: 1\ntitle: x\nsteps:\n  - attack: { flip: { gpa: '4096', bit: 1 } }",
      ["s.yaml:4:23: steps[0].attack.flip.gpa: expected hexadecimal, such as 0x810000; got '4096'"],
    ],
    [
      'a bit below 0',
      "version: 1\ntitle: x\nsteps:\n  - attack: { flip: { gpa: '0x10', bit: -1 } }",
      ['s.yaml:4:36: steps[0].attack.flip.bit: it must be >= 0; got -1'],
    ],
    [
      'a command that no AMD-SP has',
      'version: 1\ntitle: x\nsteps:\n  - attack: { command: DBG_DECRPYT }',
      [/^s\.yaml:4:15: steps\[0\]\.attack\.command: expected one of INIT, .*did you mean DBG_DECRYPT\?$/],
    ],
    [
      'a field that no command has',
      'version: 1\ntitle: x\nsteps:\n  - attack: { command: DBG_DECRYPT, fields: { srcPadr: 0 } }',
      [/^s\.yaml:4:47: steps\[0\]\.attack\.fields\.srcPadr: no such field; did you mean srcPaddr\?/],
    ],
    [
      'a field that holds a sentence',
      "version: 1\ntitle: x\nsteps:\n  - attack: { command: NOP, fields: { handle: 'the guest' } }",
      [
        "s.yaml:4:39: steps[0].attack.fields.handle: expected hexadecimal, such as 0x810000, or the name of a kept number, such as guest.handle; got 'the guest'",
      ],
    ],
    [
      'room without a name',
      'version: 1\ntitle: x\nsteps:\n  - attack: { command: GET_ID, fields: { idPaddr: { room: 64 } } }',
      ['s.yaml:4:42: steps[0].attack.fields.idPaddr: expected a field as'],
    ],
    [
      'a comparison of one',
      'version: 1\ntitle: x\nsteps:\n  - check: { same: [{ from: a }] }',
      [/^s\.yaml:4:14: steps\[0\]\.check\.same: it must NOT have fewer than 2 items/],
    ],
    [
      'damage of something else',
      'version: 1\ntitle: x\nsteps:\n  - attack: { damage: { of: locatoin, hex: "00" } }',
      [/^s\.yaml:4:25: steps\[0\]\.attack\.damage\.of: expected one of .*did you mean location\?$/],
    ],
    ['a version that is a number', `${HEAD}policyApi: 1.55`, [/^s\.yaml:4:1: policyApi: expected text/]],
    [
      'a version that no policy holds',
      `${HEAD}policyApi: '1.256'`,
      [/^s\.yaml: policyApi: expected a version/],
    ],
    [
      'an area of another form',
      `${HEAD}firmware: { secretArea: 'no' }`,
      ["s.yaml:4:13: firmware.secretArea: expected none, or base and size; got 'no'"],
    ],
    [
      'a check of nothing',
      'version: 1\ntitle: x\nsteps:\n  - check: {}',
      [/^s\.yaml:4:5: steps\[0\]\.check: expected one of hostFinds.*got nothing$/],
    ],
    [
      'bytes in two spellings',
      `${HEAD}secrets: [{ guid: ${GUID}, text: x, hex: '00' }]`,
      ['s.yaml:4:11: secrets[0]: expected one of text, hex, base64, file, env; got text and hex'],
    ],
    [
      'bytes in none',
      `${HEAD}secrets: [{ guid: ${GUID} }]`,
      ['s.yaml:4:11: secrets[0]: expected one of text, hex, base64, file, env; got guid'],
    ],
    [
      'half a byte',
      `${HEAD}secrets: [{ guid: ${GUID}, hex: 'abc' }]`,
      [/^s\.yaml: secrets\[0\]: expected an even number/],
    ],
    [
      'a secret that is a number, which no message tells',
      `${HEAD}secrets: [{ guid: ${GUID}, text: 4711 }]`,
      ['s.yaml:4:57: secrets[0].text: expected text; got a number: put it in quotes'],
    ],
    [
      'a GUID that is none',
      `${HEAD}secrets: [{ guid: 12, text: x }]`,
      [/^s\.yaml:4:13: secrets\[0\]\.guid: expected text; got the number 12/],
    ],
    [
      'an include that is not there',
      `${HEAD}include: nowhere.yaml`,
      ['s.yaml:4:1: nowhere.yaml: no such file; expected a file that can be read'],
    ],
    [
      'an include of itself',
      `${HEAD}include: s.yaml`,
      [/^s\.yaml:4:1: s\.yaml: expected at most 8 files that include each other$/],
    ],
  ] as const)('%s', (_, text, expected) => {
    const said = saidOf(text);
    expect(said).toHaveLength(expected.length);
    for (const [i, line] of expected.entries()) {
      if (typeof line === 'string') expect(said[i]).toBe(line);
      else expect(said[i]).toMatch(line);
    }
  });

  it('all of it at once', () => {
    expect(saidOf(`${HEAD}linux: 6.1\nmemory: x\npolicy: NODBG`)).toHaveLength(3);
  });

  it('also in JSON', () => {
    const text = JSON.stringify({ version: 1, title: 'x', steps: [{ do: 'offr' }] }, null, 2);
    expect(saidOf(text, 's.json')[0]).toMatch(/^s\.json:6:7: steps\[0\]\.do: /);
  });
});

describe('an included file', () => {
  const BASE =
    'version: 1\ntitle: base\nlinux: "6.1"\nplatform: { part: milan, encryption: XE }\nsteps:\n  - do: offer\n  - do: launch\n';

  it('gives what is not said, and its steps come first', () => {
    writeFileSync(join(folder, 'base.yaml'), BASE);
    writeFileSync(
      join(folder, 'top.yaml'),
      'include: base.yaml\ntitle: top\nplatform: { part: rome }\nsteps: [{ do: measure }]\n',
    );
    const { scenario } = loadScenario(join(folder, 'top.yaml'));
    expect(scenario).toEqual({
      ...{ version: 1, title: 'top', linux: '6.1', platform: { part: 'rome', encryption: 'XE' } },
      steps: [{ do: 'offer' }, { do: 'launch' }, { do: 'measure' }],
    });
  });

  it('is where its mistakes are told', () => {
    writeFileSync(join(folder, 'base.yaml'), BASE.replace('launch', 'lunch'));
    expect(saidOf('include: [base.yaml]\nsteps: [{ do: measur }]')).toEqual([
      expect.stringMatching(/^base\.yaml:7:5: steps\[1\]\.do: .*did you mean launch\?$/),
      expect.stringMatching(/^s\.yaml:2:11: steps\[2\]\.do: .*did you mean measure\?$/),
    ]);
  });
});
