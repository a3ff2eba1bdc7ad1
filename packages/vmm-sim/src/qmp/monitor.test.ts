import { utf8 } from '@sevlab/codec/bytes';
import { describe, expect, it } from 'vitest';
import { silentMachine } from '../../test/silent-machine.ts';
import type { HostPorts, Remark } from '../qemu/host-ports.ts';
import type { QemuMachine } from '../qemu/qemu-machine.ts';
import { closeSession, type MonitorSession, openSession, receive, takeEvents } from './monitor.ts';

const machineWith = (ports: Partial<HostPorts> = {}): QemuMachine =>
  silentMachine(['-accel', 'tcg'], undefined, ports);

function connected(machine: QemuMachine): MonitorSession {
  const { session } = openSession(machine);
  receive(machine, session, utf8('{"execute":"qmp_capabilities"}'));
  return session;
}

const say = (machine: QemuMachine, session: MonitorSession, ...commands: readonly string[]): string =>
  receive(machine, session, utf8(commands.map((execute) => JSON.stringify({ execute })).join('')));

const names = (lines: string): string[] => [...lines.matchAll(/"event": "(\w+)"/g)].map(([, name]) => name!);

describe('events', () => {
  it('are told to everybody who has negotiated, once, in order, with the time when they happened', () => {
    let now = 0n;
    const machine = machineWith({ now: () => ++now });
    const [first, second, shy] = [connected(machine), connected(machine), openSession(machine).session];
    expect(names(say(machine, first, 'cont', 'stop', 'stop'))).toEqual(['RESUME', 'STOP']);
    now = 100n;
    const told = takeEvents(machine, second);
    expect(names(told)).toEqual(['RESUME', 'STOP']);
    expect([...told.matchAll(/"microseconds": (\d+)/g)].map(([, time]) => time)).toEqual(['1', '2']);
    expect([takeEvents(machine, second), takeEvents(machine, first)]).toEqual(['', '']);
    expect(takeEvents(machine, shy)).toBe('');
    expect(names(say(machine, shy, 'qmp_capabilities', 'system_powerdown'))).toEqual(['POWERDOWN']);
  });

  it('are kept for nobody who is gone', () => {
    const machine = machineWith();
    closeSession(machine, connected(machine));
    expect(machine.audience.size).toBe(0);
  });
});

describe('a reset', () => {
  const calls = (...commands: readonly string[]): string[] => {
    const made: string[] = [];
    const machine = machineWith({ run: () => made.push('run'), reset: () => made.push('reset') });
    say(machine, connected(machine), ...commands);
    return made;
  };

  it.each([
    [['system_reset', 'cont'], ['run']],
    [
      ['cont', 'system_reset'],
      ['run', 'reset'],
    ],
    [['cont', 'stop', 'system_reset'], ['run']],
    [
      ['cont', 'stop', 'system_reset', 'system_reset', 'cont'],
      ['run', 'reset'],
    ],
    [
      ['cont', 'stop', 'system_reset', 'cont', 'stop', 'cont'],
      ['run', 'reset'],
    ],
  ])('%j: %j', (commands, made) => {
    expect(calls(...commands)).toEqual(made);
  });
});

it('tells a person of commands that QEMU has and this has not, and of no others', () => {
  const remarks: Remark[] = [];
  const machine = machineWith({ remark: (remark) => remarks.push(remark) });
  say(machine, connected(machine), 'query-block-jobs', 'query-nothing', 'query-status');
  expect(remarks).toEqual([{ kind: 'command elsewhere', name: 'query-block-jobs' }]);
});

it('shows everything that is said to somebody who records', () => {
  const heard: string[] = [];
  const machine = machineWith({ exchange: (from, text) => heard.push(`${from}: ${text()}`) });
  const { session, greeting } = openSession(machine);
  const answers = say(machine, session, 'qmp_capabilities', 'cont');
  receive(machine, session, utf8('}'));
  expect(heard).toEqual([
    `vmm: ${greeting.trimEnd()}`,
    'client: {"execute": "qmp_capabilities"}',
    'vmm: {"return": {}}',
    'client: {"execute": "cont"}',
    ...answers
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((line) => `vmm: ${line}`),
    'client: JSON parse error, expecting value',
    'vmm: {"error": {"class": "GenericError", "desc": "JSON parse error, expecting value"}}',
  ]);
});
