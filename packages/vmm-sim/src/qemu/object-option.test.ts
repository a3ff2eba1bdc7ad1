import { expect, test } from 'vitest';
import recorded from '../../test/vectors/object-options.json' with { type: 'json' };
import { QEMU_RELEASES } from './machine-options.ts';
import { parseObjectOption } from './object-option.ts';
import { UsageError } from './option-text.ts';

const parse = (text: string, release: keyof typeof QEMU_RELEASES = '7.2') =>
  parseObjectOption(text, { release: QEMU_RELEASES[release], others: 'refused' });

interface RecordedOption {
  readonly object: string;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly refusal?: string;
}

const cases: readonly RecordedOption[] = recorded.cases;

test('no case was lost', () => {
  expect([
    cases.filter(({ values }) => values).length,
    cases.filter(({ refusal }) => refusal).length,
  ]).toEqual([22, 53]);
});

test.each(cases)('$object', ({ object, values, refusal }) => {
  if (values) expect(parse(object)).toEqual({ id: 's', ...values });
  else expect(() => parse(object)).toThrow(new UsageError(`-object ${object}: ${refusal}`));
});

test('other objects are somebody else’s', () => {
  for (const object of ['memory-backend-ram,id=pc.ram,size=64M', '{"qom-type":"secret","id":"a","data":"x"}'])
    expect(parse(object)).toBeUndefined();
});

test('since 9.1 a sev-guest has a VM type', () => {
  const object = 'sev-guest,id=s,reduced-phys-bits=1,legacy-vm-type=';
  expect(parse(`${object}off`, '10.0')).toMatchObject({ 'legacy-vm-type': 'off' });
  expect(() => parse(`${object}maybe`, '10.0')).toThrow(/legacy-vm-type/);
});
