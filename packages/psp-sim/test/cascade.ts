import type { Struct } from '@sevlab/codec/layout';
import type { CommandName } from '@sevlab/codec/sev/command';
import { expect } from 'vitest';
import { commandOf, type Platform } from './platform.ts';

/** What a row of the table says, and what makes it hold while all the later ones still do not. */
export type Repair = readonly [condition: string, repair: () => void];

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
    const status = command.run(platform.sp, bytes, (condition, held) => {
      if (!held) decidedBy = condition;
    });
    return { decidedBy, status };
  };
  repairs.forEach(([condition, repair], row) => {
    expect(attempt()).toEqual({ decidedBy: condition, status: command.checks[row]!.status });
    repair();
  });
  expect(attempt()).toEqual({ decidedBy: undefined, status: 'SUCCESS' });
}
