import { COMMAND_BUFFERS, COMMAND_ID } from '@sevlab/codec/sev/command';
import { expect, it } from 'vitest';
import schema from '../../scenario.schema.json' with { type: 'json' };
import { HONEST_STEPS } from './scenario.ts';

const attacks = schema.$defs.attack.oneOf;
const command = attacks.find(({ required }) => required.includes('command'))!.properties as {
  readonly command: { readonly enum: readonly string[] };
  readonly fields: { readonly properties: object };
};

it('knows every command, and every field of a buffer', () => {
  expect(command.command.enum).toEqual(Object.keys(COMMAND_ID));
  const fields = Object.values(COMMAND_BUFFERS).flatMap(({ rows }) => [...rows]);
  const named = fields.filter(({ type }) => !type.startsWith('reserved')).map(({ name }) => name);
  expect(Object.keys(command.fields.properties).sort()).toEqual([...new Set(named)].sort());
});

it('knows every step', () => {
  const step = schema.$defs.step.oneOf[0]!.properties as {
    readonly do: { readonly enum: readonly string[] };
  };
  expect(step.do.enum).toEqual([...HONEST_STEPS]);
  expect(schema.properties.faults.items.properties.at.enum).toEqual([...HONEST_STEPS]);
});

it('has one name for each attack', () => {
  const names = attacks.map(({ required }) => required[0]);
  expect(new Set(names).size).toBe(names.length);
});
