import type { TraceBody } from '@sevlab/codec/trace';
import { expect, test } from 'vitest';
import schema from '../trace.schema.json' with { type: 'json' };

/** The type checker refuses this table when trace.ts gains an event that it does not have. */
const EVENTS: Record<TraceBody['type'], true> = {
  ...{ message: true, verdict: true, command: true, precondition: true, status: true, key: true },
  ...{
    access: true,
    remap: true,
    attack: true,
    kvm: true,
    qmp: true,
    vmrun: true,
    'page-state': true,
    'fw-cfg': true,
    'boot-blob': true,
    handover: true,
    stop: true,
  },
  ...{ printk: true, uevent: true, syscall: true, shell: true },
};

test('the schema has every event of trace.ts and no other', () => {
  const described = schema.$defs.event.oneOf.map(({ $ref }) => $ref.replace('#/$defs/', ''));
  expect(described.sort()).toEqual(Object.keys(EVENTS).sort());
});

test('nothing in the schema is open-ended, and everything is explained', () => {
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('properties' in node) {
      expect(node, path).toHaveProperty('additionalProperties', false);
      for (const [name, property] of Object.entries(node.properties ?? {})) {
        const named = '$ref' in property && Object.keys(property).length === 1;
        if (!named) expect(property, `${path}/${name}`).toHaveProperty('description');
      }
    }
    for (const [key, child] of Object.entries(node)) visit(child, `${path}/${key}`);
  };
  visit(schema, '');
  for (const [name, definition] of Object.entries(schema.$defs)) {
    expect(definition, name).toHaveProperty('description');
    expect(definition, name).toHaveProperty('title');
  }
});
