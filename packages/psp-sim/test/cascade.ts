import type { Struct } from '@sevlab/codec/layout';
import type { CommandName } from '@sevlab/codec/sev/command';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { expect } from 'vitest';
import { commandOf, type Platform } from './platform.ts';

/**
 * What a row of the table says, and what makes it hold while all the later ones still do not. `silent` is a row that
 * never decides in the profile at hand.
 */
export type Repair = readonly [condition: string, repair: (() => void) | 'silent'];

/**
 * Runs a command with everything wrong, then repairs one row at a time: each time the next row must be the one that
 * decides, with its own status. Fails when a row is missing, is out of order, or has another's status.
 */
export function expectCascade<T>(
  platform: Platform,
  name: CommandName,
  layout: Struct<T>,
  cmd: T,
  repairs: readonly Repair[],
): void {
  const command = commandOf(name);
  expect(command.checks.map(({ condition }) => condition)).toEqual(repairs.map(([condition]) => condition));
  const attempt = () => {
    const bytes = new Uint8Array(layout.paddedSize);
    layout.encodeInto(bytes, cmd);
    let decidedBy: string | undefined;
    let row: SevStatus = 'SUCCESS';
    const status = command.run(platform.sp, bytes, (condition, held, unmet) => {
      if (!held) [decidedBy, row] = [condition, unmet];
    });
    expect(status).toBe(row);
    return decidedBy;
  };
  for (const [condition, repair] of repairs) {
    if (repair === 'silent') continue;
    expect(attempt()).toBe(condition);
    repair();
  }
  expect(attempt()).toBeUndefined();
}
