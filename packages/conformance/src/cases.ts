import firmware from '../cases/firmware.json' with { type: 'json' };
import kernel from '../cases/kernel.json' with { type: 'json' };
import psp from '../cases/psp.json' with { type: 'json' };
import type { Case } from './case.ts';

/** The whole suite, in the order of a launch. */
export function allCases(): readonly Case[] {
  const files: readonly unknown[] = [...psp, ...firmware, ...kernel];
  return files as readonly Case[]; // cases.test.ts holds every one of them against the schema
}
