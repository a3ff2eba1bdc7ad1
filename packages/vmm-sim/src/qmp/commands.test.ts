import { expect, test } from 'vitest';
import { QMP_COMMANDS } from './commands.ts';
import { QEMU_COMMAND_NAMES } from './qemu-command-names.ts';

test('there is no command that QEMU has not', () => {
  expect([...QMP_COMMANDS.keys()].filter((name) => !QEMU_COMMAND_NAMES.has(name))).toEqual([]);
  expect(QEMU_COMMAND_NAMES.size).toBe(216);
});
