import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { typeIn } from './test/command-line.ts';

const root = join(import.meta.dirname, '..');
const SCRIPT = 'deploy/fuzz-shard.sh';
const manifest = (file: string): unknown => parse(readFileSync(join(root, 'deploy', file), 'utf8'));

const text = { type: 'string', minLength: 1 };
const count = { type: 'integer', minimum: 1 };
const closed = (required: readonly string[], properties: object) => ({
  ...{ type: 'object', required, properties, additionalProperties: false },
});
const list = (items: object) => ({ type: 'array', minItems: 1, items });

/**
 * What the two manifests may contain, written from the documents of Kubernetes (batch/v1 Job) and GitHub (workflow syntax).
 * The schemas that those publish are not among what this repository can install; these allow no field besides, so that
 * a misspelt one is found.
 */
const container = closed(['name', 'image', 'command', 'env'], {
  ...{ name: text, image: text, workingDir: text, command: list(text) },
  env: list(closed(['name', 'value'], { name: text, value: text })),
  resources: closed([], {
    requests: closed([], { cpu: text, memory: text }),
    limits: closed([], { cpu: text, memory: text }),
  }),
  volumeMounts: list(closed(['name', 'mountPath'], { name: text, mountPath: text })),
});
const pod = closed(['restartPolicy', 'containers'], {
  restartPolicy: { enum: ['Never', 'OnFailure'] }, // Always is no policy of a Job's
  containers: list(container),
  volumes: list(
    closed(['name', 'persistentVolumeClaim'], {
      name: text,
      persistentVolumeClaim: closed(['claimName'], { claimName: text }),
    }),
  ),
});
const job = closed(['apiVersion', 'kind', 'metadata', 'spec'], {
  ...{ apiVersion: { const: 'batch/v1' }, kind: { const: 'Job' } },
  metadata: closed(['name'], { name: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?$' } }),
  spec: closed(['completionMode', 'completions', 'template'], {
    ...{ completionMode: { const: 'Indexed' }, completions: count, parallelism: count },
    ...{ backoffLimitPerIndex: { type: 'integer', minimum: 0 }, maxFailedIndexes: count },
    template: closed(['spec'], { spec: pod }),
  }),
});

const expression = (name: string): string => `\${{ ${name} }}`;
const map = { type: 'object', additionalProperties: { type: ['string', 'boolean'] } };
const step = {
  oneOf: [
    closed(['uses'], { uses: { type: 'string', pattern: '^[\\w-]+/[\\w-]+@v\\d+$' }, if: text, with: map }),
    closed(['run'], { run: text, env: map, if: text }),
  ],
};
const workflow = closed(['name', 'on', 'permissions', 'jobs'], {
  ...{ name: text, permissions: map },
  on: closed(['workflow_dispatch'], {
    workflow_dispatch: closed(['inputs'], {
      inputs: {
        type: 'object',
        additionalProperties: closed(['description', 'default'], { description: text, default: text }),
      },
    }),
  }),
  jobs: {
    type: 'object',
    additionalProperties: closed(['runs-on', 'steps'], {
      ...{ 'runs-on': text, 'timeout-minutes': count, needs: text, if: text, steps: list(step) },
      strategy: closed(['matrix'], {
        'fail-fast': { type: 'boolean' },
        matrix: { type: 'object', additionalProperties: { type: 'array', minItems: 1 } },
      }),
    }),
  },
});

/** The manifest, which the schema holds for. */
function checked<T>(schema: object, file: string): T {
  const validate = new Ajv.default({ allErrors: true, allowUnionTypes: true }).compile<T>(schema);
  const value = manifest(file);
  if (!validate(value)) throw new Error(`${file}: ${JSON.stringify(validate.errors, null, 1)}`);
  return value;
}

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly strategy?: { readonly matrix: { readonly shard: readonly number[] } };
        readonly steps: readonly { readonly run?: string; readonly env?: Readonly<Record<string, string>> }[];
      }
    >
  >;
}
interface Job {
  readonly spec: {
    readonly completions: number;
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly command: readonly string[];
          readonly env: readonly { readonly name: string; readonly value: string }[];
        }[];
      };
    };
  };
}

describe('the manifests', () => {
  it('for GitHub is a matrix of all shards, each of which calls the script', () => {
    const { jobs } = checked<Workflow>(workflow, 'github-actions.yml');
    const shards = jobs.shard?.strategy?.matrix.shard ?? [];
    expect(shards).toEqual(shards.map((_, i) => i));
    const [call] = jobs.shard?.steps.filter(({ run }) => run !== undefined) ?? [];
    expect(call).toMatchObject({
      run: SCRIPT,
      env: { SHARD_INDEX: expression('matrix.shard'), SHARD_TOTAL: expression('strategy.job-total') },
    });
  });

  it('for Kubernetes is an Indexed Job whose pods know how many they are', () => {
    const { spec } = checked<Job>(job, 'kubernetes-job.yaml');
    const [only] = spec.template.spec.containers;
    expect(only?.command).toEqual([SCRIPT]);
    expect(only?.env).toContainEqual({ name: 'JOB_COMPLETIONS', value: `${spec.completions}` });
  });

  it.each([
    ['github-actions.yml', workflow, /runs_on/, (all: string) => all.replace('runs-on', 'runs_on')],
    [
      'kubernetes-job.yaml',
      job,
      /completion:|completion"/,
      (all: string) => all.replace('completions: 8', 'completion: 8'),
    ],
  ])('%s is looked at closely enough to find a misspelt field', (file, schema, found, spoil) => {
    const validate = new Ajv.default({ allErrors: true, allowUnionTypes: true }).compile(schema);
    expect(validate(parse(spoil(readFileSync(join(root, 'deploy', file), 'utf8'))))).toBe(false);
    expect(JSON.stringify(validate.errors)).toMatch(found);
  });

  it('both call what CI runs', () => {
    accessSync(join(root, SCRIPT), constants.X_OK);
    expect(readFileSync(join(root, '.ci/run'), 'utf8')).toContain(SCRIPT);
  });
});

it('the script runs the shard that the environment names, and goes on with it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sevlab-deploy-'));
  const start = (environment: Readonly<Record<string, string>>) => {
    const env = { ...process.env, RUNS: '120', SEED: 'deploy', FOLDER: folder, ...environment };
    return spawnSync(join(root, SCRIPT), { env, encoding: 'utf8' });
  };
  expect(start({ SHARD_INDEX: '0', SHARD_TOTAL: '2' }).stderr).toMatch(
    /seed deploy: \d+ cases, of which this is shard 1 of 2/,
  );
  expect(start({ JOB_COMPLETION_INDEX: '1', JOB_COMPLETIONS: '2' }).status).toBe(0);
  expect(start({ JOB_COMPLETION_INDEX: '1', JOB_COMPLETIONS: '2' }).status).toBe(0);
  const { status, stdout } = typeIn(folder, 'fuzz', 'merge', 'shard-0.jsonl', 'shard-1.jsonl');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^\{"campaign":\{"version":"[\d.]+","seed":"deploy","doors":/);
}, 120_000);
