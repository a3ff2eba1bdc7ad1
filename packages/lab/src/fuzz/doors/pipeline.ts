import { fromHex } from '@sevlab/codec/bytes';
import { parseGuid } from '@sevlab/codec/guid';
import fc from 'fast-check';
import { createPipeline, type Pipeline, type Setup } from '../../pipeline.ts';
import { runSteps } from '../../scenario/run.ts';
import type { Scenario, SecretSource, Step } from '../../scenario/scenario.ts';
import { setupOf } from '../../scenario/setup.ts';
import { arbitraryDoor, Broken, type Door, holds } from '../door.ts';
import { COCO, KERNELS, secretSources } from './drawn-scenario.ts';

interface Input {
  readonly linux: string;
  readonly secrets: readonly (SecretSource & { readonly hex: string })[];
  /** A bit of the packet that is changed on its way. */
  readonly flip: { readonly part: 'header' | 'data'; readonly bit: number } | null;
  /** Whether the first of the files is removed. */
  readonly removes: boolean;
}

/** Different hexadecimal digits of bytes that are nobody else's. */
const TELLING = 12;

/** Steps that all cases share: the base is launched and measured once for each kernel. */
const BEFORE: readonly Step[] = [{ do: 'offer' }, { do: 'launch' }, { do: 'measure' }];

/** The same as a scenario, with what must come of it. */
function scenarioOf({ linux, secrets, flip, removes }: Input): Scenario {
  const pathOf = (guid: string): string => `${COCO}/${guid}`;
  const longest = secrets.reduce((most, { hex }) => (hex.length > most.length ? hex : most), '');
  const hidden: readonly Step[] =
    new Set(longest).size < TELLING ? [] : [{ check: { hostFinds: { hex: longest, expect: false } } }];
  const inject: readonly Step[] =
    flip === null
      ? [{ do: 'inject' }]
      : [{ attack: { packet: flip } }, { do: 'inject', expect: { status: 'BAD_MEASUREMENT' } }];
  const boot: readonly Step[] = [{ do: 'finish' }, { do: 'boot' }];
  const [first, ...others] = secrets;
  const fileOf = ({ guid, hex }: (typeof secrets)[number]): Step => ({ check: { file: { guid, hex } } });
  const removeFirst: readonly Step[] =
    removes && first !== undefined
      ? [
          { shell: `rm ${pathOf(first.guid)}` },
          { check: { call: { name: 'stat', path: pathOf(first.guid), errno: 'ENOENT' } } },
        ]
      : [];
  const read = flip === null ? [...secrets.map(fileOf), ...removeFirst, ...others.slice(-1).map(fileOf)] : [];
  return {
    ...{ version: 1, title: 'One packet, and what the guest makes of it', seed: 'fuzz', linux },
    secrets,
    steps: [...BEFORE, { do: 'verify' }, { do: 'seal' }, ...inject, ...boot, ...read, ...hidden],
  };
}

/** One packet into a guest that is forked behind LAUNCH_MEASURE, a boot, and the files. */
export const pipelineDoor: Door = arbitraryDoor<Input>({
  name: 'pipeline',
  about: 'a packet into a measured guest, boot, files read and removed: all as the packet says, or refused',
  ...{ share: 5, chunk: 100, cost: 15_000 },
  inputs: () =>
    fc.record({
      linux: fc.constantFrom(...KERNELS),
      secrets: secretSources,
      flip: fc.option(
        fc.oneof(
          fc.record({ part: fc.constant('header' as const), bit: fc.nat(415) }),
          fc.record({ part: fc.constant('data' as const), bit: fc.nat(159) }), // of the table's header
        ),
        { freq: 2 },
      ),
      removes: fc.boolean(),
    }),
  start: () => {
    const bases = new Map<string, { readonly setup: Setup; readonly pipeline: Pipeline }>();
    const baseOf = (linux: string) => {
      const base = bases.get(linux) ?? measured(linux);
      bases.set(linux, base);
      return base;
    };
    return (input) => run(input, baseOf(input.linux));
  },
  scenario: scenarioOf,
});

function measured(linux: string) {
  const { setup } = setupOf({ version: 1, title: '', seed: 'fuzz', linux, steps: [] }, '', { record: false });
  const pipeline = createPipeline(setup);
  pipeline.offer();
  pipeline.launch();
  pipeline.measure();
  return { setup, pipeline };
}

function run(input: Input, { setup, pipeline }: ReturnType<typeof measured>): string {
  const scenario = scenarioOf(input);
  const rest = { ...scenario, steps: scenario.steps.slice(BEFORE.length) };
  const secrets = input.secrets.map(({ guid, hex }) => ({ guid: parseGuid(guid), data: fromHex(hex) }));
  const steps = runSteps(rest, '', setup, secrets, pipeline.fork());
  for (;;) {
    const { done, value } = steps.next();
    if (done) {
      holds(value.passed, 'a run that deviates says where');
      return input.flip === null ? `${secrets.length} files` : 'refused';
    }
    const { step, finding } = value;
    if (finding?.held === false)
      throw new Broken(
        `${'do' in step ? step.do : Object.keys(step)[0]} is as the packet says`,
        `expected ${finding.expected}, got ${finding.actual}`,
      );
  }
}
