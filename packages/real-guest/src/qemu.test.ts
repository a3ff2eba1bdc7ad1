import { expect, test } from 'vitest';
import { qemuArguments } from './qemu.ts';

const machine = {
  accelerator: 'tcg',
  memorySize: 512n << 20n,
  memoryFile: '/a,b/ram',
  firmwareFile: '/fw',
  serialFiles: ['/one', '/two'],
} as const;

test('a comma in a path does not end the option that it stands in', () => {
  const line = qemuArguments(machine).join(' ');
  expect(line).toContain('mem-path=/a,,b/ram,share=on');
  expect(line).toContain('-bios /fw');
});

test('the machine is q35 with that memory, one processor, and a serial port for each file', () => {
  const line = qemuArguments(machine);
  expect(line).toContain('q35,memory-backend=ram,accel=tcg');
  expect(line[line.indexOf('-m') + 1]).toBe('512M');
  expect(line.filter((word) => word === '-serial')).toHaveLength(2);
});
