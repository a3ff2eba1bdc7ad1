import { expect, test } from 'vitest';
import type { Probe } from './fuzz-areas.ts';
import { shrinkProbe } from './shrink-probe.ts';

const probe: Probe = {
  name: 'p',
  area: Uint8Array.from({ length: 100 }, (_, i) => i + 1),
  operations: Array.from({ length: 20 }, (_, i) => `stat ${i}`),
  mode: 'bind',
};

test('what has no part in it goes', async () => {
  const shows = ({ area, operations }: Probe) => area[40] === 41 && operations.includes('stat 7');
  const small = await shrinkProbe(probe, async (probes) => probes.map(shows));
  expect(small.operations).toEqual(['stat 7']);
  expect(small.area.filter((byte) => byte !== 0)).toEqual(Uint8Array.of(41));
  expect(small.area.length).toBeLessThan(60);
});

test('what cannot be smaller stays as it is', async () => {
  expect(await shrinkProbe(probe, async (probes) => probes.map(() => false))).toBe(probe);
});

test('the given probe is not written to', async () => {
  const before = structuredClone(probe);
  await shrinkProbe(probe, async (probes) => probes.map(() => true));
  expect(probe).toEqual(before);
});
