import { utf8 } from '@sevlab/codec/bytes';
import fc, { type Arbitrary } from 'fast-check';
import { stringify } from 'yaml';
import { readSentScenario } from '../../scenario/load.ts';
import { variantsOf } from '../../scenario/matrix.ts';
import { setupOf } from '../../scenario/setup.ts';
import { validateScenario } from '../../scenario/validate.ts';
import { ScenarioError, SENT_SCENARIO } from '../../scenario/values.ts';
import { arbitraryDoor, type Door, holds } from '../door.ts';
import { attackedLaunch } from './drawn-scenario.ts';

const PIECES = [
  ...[
    '&a ',
    '*a',
    '<<: *a',
    '!!binary ',
    '!!set ',
    '? ',
    '- ',
    ': ',
    '|',
    '>-',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ',',
  ],
  ...[
    '# ',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '\n',
    '\t',
    '  ',
    '~',
    'null',
    'true',
    '.inf',
    '0x10',
    '-1',
    '1e99',
  ],
  ...[
    'steps:',
    'secrets:',
    'include: other.yaml',
    'matrix:',
    'file: /etc/passwd',
    'env: HOME',
    '\0',
    '\ufeff',
  ],
];

/** Text with places changed. */
const damaged = (text: string): Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.nat(text.length), fc.nat(6), fc.constantFrom(...PIECES)), {
      minLength: 1,
      maxLength: 4,
    })
    .map((changes) =>
      changes.reduce((all, [at, length, piece]) => all.slice(0, at) + piece + all.slice(at + length), text),
    );

const anyField: Arbitrary<unknown> = fc.jsonValue({ maxDepth: 3 });
const FIELDS = [
  'version',
  'title',
  'seed',
  'clock',
  'platform',
  'policy',
  'policyApi',
  'firmware',
  'kernel',
].concat([
  'kernelHashes',
  'vcpus',
  'memory',
  'linux',
  'secrets',
  'disk',
  'faults',
  'matrix',
  'steps',
  'include',
  'other',
]);
const VALUES: readonly unknown[] = [
  ...[
    { count: 300 },
    { layout: '202405', size: '3 MiB' },
    { size: '99999 GiB' },
    { secretArea: { base: '-1', size: 5 } },
  ],
  ...[
    '16 TiB',
    '-1 MiB',
    '0 KiB',
    '512 MiB',
    '9.9',
    '6.1',
    'debian',
    { key: 'x', text: 'y' },
    [{ do: 'offer' }],
  ],
  ...[
    { linux: ['6.1', '5.19'], seed: ['a', 'b'] },
    { 'platform.part': ['genoa', 'rome'] },
    { start: 'yesterday' },
  ],
];

/** Scenario files. */
export const scenarioFileDoor: Door = arbitraryDoor<string>({
  name: 'scenario-file',
  about: 'scenario files as text: valid, or refused with the place and what was expected there',
  ...{ share: 10, chunk: 250, cost: 5500 },
  inputs: () => {
    const scenario = attackedLaunch.map((value): Readonly<Record<string, unknown>> => ({ ...value }));
    const text = fc
      .tuple(scenario, fc.boolean())
      .map(([value, json]) => (json ? JSON.stringify(value) : stringify(value)));
    const otherField = fc
      .tuple(scenario, fc.constantFrom(...FIELDS), fc.oneof(anyField, fc.constantFrom(...VALUES)))
      .map(([value, field, other]) => JSON.stringify({ ...value, [field]: other }));
    return fc.oneof(
      { weight: 1, arbitrary: text },
      { weight: 4, arbitrary: text.chain(damaged) },
      { weight: 4, arbitrary: otherField },
      {
        weight: 1,
        arbitrary: fc.array(fc.constantFrom(...PIECES), { maxLength: 20 }).map((all) => all.join('')),
      },
    );
  },
  start: () => read,
});

function read(text: string): string {
  try {
    const variants = variantsOf(readSentScenario(utf8(text)));
    const [first] = variants;
    holds(first !== undefined, 'a scenario has a run');
    setupOf(validateScenario(first.scenario, first.placeOf), SENT_SCENARIO, { record: false });
    return variants.length === 1 ? 'valid' : 'valid, several runs';
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    holds(error.message !== '', 'a refusal has words');
    return 'refused';
  }
}
