/** The part of a campaign that one machine does: every `total`th chunk, from `index` on, which counts from 0. */
export interface Shard {
  readonly index: number;
  readonly total: number;
}

/** The number of a shard and of all shards, by variable, and what the first shard has. */
const VARIABLES = [
  ['SHARD_INDEX', 'SHARD_TOTAL', 0],
  ['JOB_COMPLETION_INDEX', 'JOB_COMPLETIONS', 0], // Kubernetes, Indexed Job; the total is ours
  ['CI_NODE_INDEX', 'CI_NODE_TOTAL', 1], // GitLab CI, parallel
  ['SLURM_ARRAY_TASK_ID', 'SLURM_ARRAY_TASK_COUNT', 0], // sbatch --array=0-N
  ['AWS_BATCH_JOB_ARRAY_INDEX', 'AWS_BATCH_JOB_ARRAY_SIZE', 0], // the size is ours
  ['BUILDKITE_PARALLEL_JOB', 'BUILDKITE_PARALLEL_JOB_COUNT', 0],
  ['CIRCLE_NODE_INDEX', 'CIRCLE_NODE_TOTAL', 0],
] as const;

/** `2/8`: the second of eight. Throws RangeError. */
export function shardOf(text: string): Shard {
  const [, number, total] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  return checked({ index: Number(number) - 1, total: Number(total) }, text);
}

/** What the environment says; undefined when it says nothing. Throws RangeError for half of it, and for nonsense. */
export function shardFrom(environment: Readonly<Record<string, string | undefined>>): Shard | undefined {
  for (const [name, totalName, first] of VARIABLES) {
    const [index = '', total = ''] = [environment[name], environment[totalName]];
    if (index === '') continue;
    if (total === '')
      throw new RangeError(`${name} is ${index} and ${totalName} is not set; expected both, or neither`);
    return checked(
      { index: Number(index) - first, total: Number(total) },
      `${name}=${index} ${totalName}=${total}`,
    );
  }
  return undefined;
}

function checked(shard: Shard, text: string): Shard {
  const { index, total } = shard;
  if (Number.isInteger(index) && Number.isInteger(total) && index >= 0 && index < total) return shard;
  throw new RangeError(`expected the number of a shard and of all shards, such as 2/8, got ${text}`);
}

/** `2/8` */
export const shardName = ({ index, total }: Shard): string => `${index + 1}/${total}`;
