import { expect, test, vi } from 'vitest';
import { createObserver, type Observation } from './observer.ts';

const printk = (line: string) => (): Observation => ({ type: 'printk', level: 6, line });

test('events are numbered, timed and named in the order they happen', () => {
  const observer = createObserver({ record: true, machine: 'm7', clock: { perEvent: 250n } });
  observer.observe('kernel', 'user', printk('one'));
  observer.clock.now += 1_000n;
  observer.observe('host', 'amd-sp', () => ({
    ...{ type: 'status', name: 'INIT', status: 'SUCCESS', code: 0 },
    open: { buffer: Uint8Array.of(1) },
  }));
  expect(observer.events).toEqual([
    { seq: 0, t: 250, machine: 'm7', actor: 'kernel', to: 'user', type: 'printk', level: 6, line: 'one' },
    {
      ...{ seq: 1, t: 1500, machine: 'm7', actor: 'host', to: 'amd-sp' },
      ...{ type: 'status', name: 'INIT', status: 'SUCCESS', code: 0 },
      open: { buffer: Uint8Array.of(1) },
    },
  ]);
});

test('time and numbers move alike with and without a recorder', () => {
  const [recording, silent] = [createObserver({ record: true }), createObserver()];
  for (const observer of [recording, silent]) {
    for (const line of ['a', 'b', 'c']) observer.observe('kernel', 'user', printk(line));
  }
  expect(silent.clock.now).toBe(recording.clock.now);
  expect(silent.state.seq).toBe(recording.state.seq);
  expect(silent.clock.now - silent.state.start).toBe(3_000n);
});

test('without a recorder nobody describes anything', () => {
  const describe = vi.fn(printk('never'));
  const observer = createObserver();
  observer.observe('kernel', 'user', describe);
  expect(describe).not.toHaveBeenCalled();
  expect(observer.events).toEqual([]);
});

test('a fork has the same past; neither sees what the other does next', () => {
  const parent = createObserver({ record: true });
  parent.observe('kernel', 'user', printk('before'));
  const child = parent.fork();
  expect(child.events).toEqual(parent.events);
  parent.observe('kernel', 'user', printk('parent'));
  child.observe('kernel', 'user', printk('child'));
  const lines = (events: typeof child.events) => events.map((event) => 'line' in event && event.line);
  expect(lines(parent.events)).toEqual(['before', 'parent']);
  expect(lines(child.events)).toEqual(['before', 'child']);
  expect(child.events.map(({ seq, t }) => [seq, t])).toEqual(parent.events.map(({ seq, t }) => [seq, t]));
  child.clock.now += 1n;
  expect(child.clock.now).toBe(parent.clock.now + 1n);
});

test('a fork of a silent observer stays silent', () => {
  const child = createObserver().fork();
  child.observe('kernel', 'user', printk('lost'));
  expect(child.events).toEqual([]);
  expect(child.state).not.toHaveProperty('events');
});
