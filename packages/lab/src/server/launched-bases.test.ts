import { gpa } from '@sevlab/codec/address';
import { buildImage } from '@sevlab/firmware-sim/image';
import { expect, it } from 'vitest';
import type { Setup } from '../pipeline.ts';
import { setupOf } from '../scenario/setup.ts';
import { LaunchedBases } from './launched-bases.ts';

const setup = (more: Partial<Setup> = {}): Setup => ({
  ...setupOf({ version: 1, title: 'bases', steps: [] }, '', { record: true, seed: 'bases' }).setup,
  ...more,
});

it('gives forks that know nothing of each other', () => {
  const bases = new LaunchedBases();
  const [a, b] = [bases.fork(setup())!, bases.fork(setup())!];
  expect(a.measure().measurement).toEqual(b.measure().measurement);
  a.verify();
  a.seal([]);
  a.inject();
  const area = { at: gpa(0x81_0000n), length: 64 };
  const cells = [a, b].map(({ actors, progress }) => {
    const { host } = actors.machine;
    const [place] = host.locate(progress.launching!.record.guest, area.at, area.length);
    return host.memory.read(place!.spa!, area.length);
  });
  expect(cells[0]).not.toEqual(cells[1]);
  expect(cells[1]).toEqual(new Uint8Array(area.length));
  expect(bases.fork(setup())!.observer.events.length).toBeLessThan(b.observer.events.length);
});

it('keeps different setups apart', () => {
  const bases = new LaunchedBases();
  const launched = (more: Partial<Setup>) => bases.fork(setup(more))!;
  const digest = (more: Partial<Setup>) => Buffer.from(launched(more).measure().measurement).toString('hex');
  const differences: Partial<Setup>[] = [
    {},
    { part: 'milan' },
    { seed: 'other' },
    { policy: 7 },
    { image: buildImage({ layout: '202108' }) },
    { image: buildImage({ layout: '202405', seed: 1 }) },
  ];
  for (const more of differences) {
    expect(launched(more).setup).toEqual(setup(more));
    expect(digest(more)).toBe(digest(more));
  }
  expect(launched({ linux: '5.19' }).setup.linux).toBe('5.19');
  expect(new Set([{}, { seed: 'other' }, { policy: 7 }].map(digest)).size).toBe(3);
});

it('has nothing for a guest that cannot be launched', () => {
  const bases = new LaunchedBases();
  expect(bases.fork(setup({ policy: 0x00ff_0003 }))).toBeUndefined();
  expect(bases.fork(setup({ image: new Uint8Array(5000) }))).toBeUndefined();
  expect(bases.fork(setup())).toBeDefined();
});
