import { describe, expect, it } from 'vitest';
import { pathText, problemsOf } from './schema-problems.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['part'],
  properties: {
    part: { enum: ['milan', 'genoa'] },
    size: { type: 'integer', minimum: 1 },
    secrets: {
      type: 'array',
      items: {
        oneOf: [
          {
            type: 'object',
            required: ['text'],
            additionalProperties: false,
            properties: { text: { type: 'string' } },
          },
          {
            type: 'object',
            required: ['hex'],
            additionalProperties: false,
            properties: { hex: { type: 'string' } },
          },
        ],
      },
    },
  },
};

const told = (value: unknown) =>
  problemsOf(schema, value).map(({ path, ...problem }) => ({ field: pathText(path), ...problem }));

describe('what is wrong with a value', () => {
  it('is nothing when the schema holds', () => {
    expect(told({ part: 'milan', secrets: [{ text: 'x' }, { hex: '' }] })).toEqual([]);
  });

  it.each<[unknown, object]>([
    [{ part: 'millan' }, { field: 'part', expected: 'one of milan, genoa', got: "'millan'", near: 'milan' }],
    [
      { part: 'milan', sise: 1 },
      { field: 'sise', expected: 'one of part, size, secrets', near: 'size' },
    ],
    [{}, { field: '', expected: 'a field part', message: 'expected a field part' }],
    [
      { part: 'milan', size: 0 },
      { field: 'size', expected: 'must be >= 1', got: '0' },
    ],
    [
      { part: 'milan', size: 1.5 },
      { field: 'size', expected: 'a whole number', got: 'the number 1.5' },
    ],
    [
      { part: 'milan', secrets: {} },
      { field: 'secrets', expected: 'a list', got: 'fields' },
    ],
    [
      { part: 'milan', secrets: [{}] },
      { field: 'secrets[0]', expected: 'one of text, hex', got: 'nothing' },
    ],
    [
      { part: 'milan', secrets: [{ txt: 1 }] },
      { field: 'secrets[0]', got: 'txt', near: 'text' },
    ],
    [
      { part: 'milan', secrets: [{ text: 'a', hex: '' }] },
      { field: 'secrets[0]', got: 'text and hex' },
    ],
    [7, { field: '', expected: 'fields with their values', got: 'the number 7' }],
  ])('%j', (value, problem) => {
    const [first] = told(value);
    expect(first).toMatchObject(problem);
    for (const part of [first!.expected, first!.near])
      if (part !== undefined) expect(first!.message).toContain(part);
  });

  it('never quotes what may be a secret', () => {
    expect(JSON.stringify(told({ part: 'milan', secrets: [{ text: 4711 }] }))).not.toContain('4711');
  });
});
