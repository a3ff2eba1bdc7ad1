import { fromHex } from '@sevlab/codec/bytes';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import linux from '../test/vectors/linux-areas.json' with { type: 'json' };
import { allCases } from './cases.ts';
import { exportedFiles } from './export.ts';

const files = exportedFiles('0.1.0');
const jsonOf = (path: string): unknown => JSON.parse(files.get(path)!);

it('has every case, in files that its own schema takes', () => {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  ajv.addSchema(Object(jsonOf('case.schema.json')));
  const validate = ajv.compile(Object(jsonOf('cases.schema.json')));
  const lists = [...files.keys()]
    .filter((path) => path.startsWith('cases/') && path !== 'cases/tenant/platform.json')
    .map(jsonOf);
  for (const list of lists) expect(validate(list) ? [] : validate.errors).toEqual([]);
  expect(lists.flat()).toEqual(allCases());
});

it('has the cases of the kernel with the bytes that real kernels were given', () => {
  const lines = files.get('plain/kernel.jsonl')!.trimEnd().split('\n');
  const plain = lines.map((line) => JSON.parse(line));
  expect(plain).toHaveLength(allCases().filter(({ room }) => room === 'kernel').length);
  const withoutZeros = (hex: string) => hex.replace(/(00)+$/, '');
  for (const vector of linux.vectors) {
    const found = plain.find(({ id }) => id === vector.case);
    expect(withoutZeros(found.area), vector.case).toBe(withoutZeros(vector.areaHex));
    expect(Number(found.size)).toBe(vector.descriptorSize);
    expect(fromHex(found.area).length).toBeLessThanOrEqual(Number(found.size));
  }
});

it('counts each kind of evidence, severity and flag', () => {
  const readme = files.get('README.md')!;
  for (const [word, count] of [
    [
      'observed',
      allCases().filter(({ evidence }) => evidence.some(({ kind }) => kind === 'observed')).length,
    ],
    ['security', allCases().filter(({ severity }) => severity === 'security').length],
    ['Quirk', allCases().filter(({ flags }) => flags?.includes('Quirk')).length],
  ] as const)
    expect(readme).toMatch(new RegExp(`^\\| \`${word}\` \\| .* \\| ${count} \\|$`, 'm'));
});

it('says nothing of this machine, and the same each time', () => {
  expect([...exportedFiles('0.1.0')]).toEqual([...files]);
  for (const text of files.values()) expect(text).not.toContain(process.cwd());
});
