import { expect, test } from 'vitest';
import type { Door } from './door.ts';
import { chunksOf, planOf } from './plan.ts';
import { shardFrom, shardOf } from './shard.ts';

test.each([
  [{}, undefined],
  [
    { SHARD_INDEX: '2', SHARD_TOTAL: '8' },
    { index: 2, total: 8 },
  ],
  [
    { JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '3' },
    { index: 0, total: 3 },
  ],
  [
    { CI_NODE_INDEX: '3', CI_NODE_TOTAL: '3' },
    { index: 2, total: 3 },
  ],
  [
    { SLURM_ARRAY_TASK_ID: '1', SLURM_ARRAY_TASK_COUNT: '2' },
    { index: 1, total: 2 },
  ],
  [
    { AWS_BATCH_JOB_ARRAY_INDEX: '1', AWS_BATCH_JOB_ARRAY_SIZE: '2' },
    { index: 1, total: 2 },
  ],
  [
    { BUILDKITE_PARALLEL_JOB: '0', BUILDKITE_PARALLEL_JOB_COUNT: '1' },
    { index: 0, total: 1 },
  ],
  [
    { CIRCLE_NODE_INDEX: '4', CIRCLE_NODE_TOTAL: '5' },
    { index: 4, total: 5 },
  ],
])('%j names a shard', (environment, shard) => {
  expect(shardFrom(environment)).toEqual(shard);
});

test.each([
  [{ JOB_COMPLETION_INDEX: '0' }, /JOB_COMPLETION_INDEX is 0 and JOB_COMPLETIONS is not set; expected both/],
  [{ SHARD_INDEX: '8', SHARD_TOTAL: '8' }, /got SHARD_INDEX=8 SHARD_TOTAL=8/],
  [{ CI_NODE_INDEX: '0', CI_NODE_TOTAL: '2' }, /got CI_NODE_INDEX=0/],
  [{ SHARD_INDEX: 'x', SHARD_TOTAL: '8' }, /got SHARD_INDEX=x/],
])('%j names none', (environment, message) => {
  expect(() => shardFrom(environment)).toThrow(message);
});

test('a shard on the command line counts from 1', () => {
  expect(shardOf('1/8')).toEqual({ index: 0, total: 8 });
  for (const text of ['0/8', '9/8', '1', '1/0', 'a/b', '1/8/2', '-1/8'])
    expect(() => shardOf(text)).toThrow(RangeError);
});

const open = () => {
  throw new Error('no door is opened for a plan');
};
const doors: readonly Door[] = [
  { name: 'wide', about: '', share: 20, chunk: 7, cost: 1, open },
  { name: 'narrow', about: '', share: 0.5, chunk: 3, cost: 1, open },
];

test.each([1, 2, 3, 10, 41, 1000])(
  '%i cases are divided by the shares, each door with one at least',
  (runs) => {
    const { doors: counts } = planOf('seed', runs, doors);
    expect(counts.narrow).toBe(Math.max(1, Math.floor(runs / 41)));
    expect((counts.wide ?? 0) + (counts.narrow ?? 0)).toBe(Math.max(2, runs));
  },
);

test.each([1, 2, 8, 50])('%i shards have every chunk once', (total) => {
  const plan = planOf('seed', 300, doors);
  const whole = [...chunksOf(plan, doors)];
  const parts = Array.from({ length: total }, (_, index) => [...chunksOf(plan, doors, { index, total })]);
  expect(
    whole.map((chunk) =>
      parts.findIndex((part) => part.some((each) => each.door === chunk.door && each.from === chunk.from)),
    ),
  ).toEqual(whole.map((_, i) => i % total));
  expect(parts.flat()).toHaveLength(whole.length);
});
