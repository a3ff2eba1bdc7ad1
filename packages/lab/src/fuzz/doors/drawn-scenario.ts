import { toHex } from '@sevlab/codec/bytes';
import { COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import { KERNEL_PROFILES } from '@sevlab/guest-kernel-sim/profile';
import fc, { type Arbitrary } from 'fast-check';
import {
  type Attack,
  LAUNCH_STEPS,
  type Scenario,
  type SecretSource,
  type Step,
} from '../../scenario/scenario.ts';
import { secrets } from '../arbitraries.ts';

export const COCO = '/sys/kernel/security/secrets/coco';

/** Kernels that have the driver. */
export const KERNELS: readonly string[] = KERNEL_PROFILES.filter((name) => name !== 'debian');

/** Secrets as a scenario names them. */
export const secretSources: Arbitrary<(SecretSource & { readonly hex: string })[]> = secrets({
  most: 4,
  bytes: 60,
}).map((list) => list.map(({ guid, data }) => ({ guid, hex: toHex(data) })));

const hex = (size: { minLength: number; maxLength: number }): Arbitrary<string> =>
  fc.uint8Array(size).map(toHex);
const gpa: Arbitrary<string> = fc
  .oneof(
    fc.constantFrom(0x81_0000, 0x81_0800, 0x80_0000, 0x80_c000, 0x10_0000, 0x210_0000, 0xffff_f000, 0),
    fc.nat(0x2000_0000),
  )
  .chain((base) => fc.constantFrom(0, 0, 8, 16, 0x7f0).map((by) => `0x${(base + by).toString(16)}`));
const bit = fc.nat(500);
const name = fc.constantFrom('a', 'b');

const NAMES = Object.keys(COMMAND_ID) as CommandName[]; // keys of a literal record
const field = fc.constantFrom(
  'handle',
  'asid',
  'guestPaddr',
  'guestLen',
  'transPaddr',
  'hdrPaddr',
  'length',
  'paddr',
);

/** What a hostile host may do at any moment. */
const attack: Arbitrary<Attack> = fc.oneof(
  fc.record({ write: fc.record({ gpa, hex: hex({ minLength: 1, maxLength: 32 }) }) }),
  fc.record({ flip: fc.record({ gpa, bit }) }),
  fc.record({ save: fc.record({ as: name, gpa, length: fc.integer({ min: 1, max: 64 }) }) }),
  fc.record({ restore: fc.record({ from: name, gpa }) }),
  fc.record({ image: fc.record({ offset: fc.nat(0x4_0000), hex: hex({ minLength: 1, maxLength: 16 }) }) }),
  fc.record({ policy: fc.subarray(['NODBG', 'NOKS', 'NOSEND', 'ES'] as const) }),
  fc.record({ measurement: fc.record({ bit: fc.nat(383) }) }),
  fc.record({ packet: fc.record({ part: fc.constantFrom('header', 'data'), bit: fc.nat(415) }) }),
  fc.record({ remap: fc.record({ gpa, to: gpa }) }),
  fc.record({
    certificate: fc.record({
      name: fc.constantFrom('pdh', 'pek', 'oca', 'cek', 'ask', 'ark'),
      bit: fc.nat(8 * 0x800),
    }),
  }),
  fc.record({ owner: fc.constantFrom('snapshot', 'rewind') }),
  fc.record({
    damage: fc.record({
      of: fc.constantFrom('efi-info', 'system-table', 'entry', 'location', 'area', 'e820'),
      offset: fc.nat(64),
      hex: hex({ minLength: 1, maxLength: 16 }),
    }),
  }),
  fc.record({
    command: fc.constantFrom(...NAMES),
    fields: fc.dictionary(field, fc.oneof(fc.nat(8), fc.nat(0x1_0000), gpa), { maxKeys: 4 }),
  }),
  fc.record({ dhKey: fc.record({ as: name }) }),
);

const LAUNCH = LAUNCH_STEPS.filter((step) => step !== 'firmware'); // boot includes it

/** A value once in ten times, and otherwise none. */
const seldom = <T>(arbitrary: Arbitrary<T>): Arbitrary<T | undefined> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** The steps of a launch, with attacks between them, and now and then one left out or repeated. */
const steps: Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(LAUNCH.length), attack), { maxLength: 3 }),
    seldom(fc.nat(LAUNCH.length - 1)),
    seldom(fc.nat(LAUNCH.length - 1)),
    fc.array(
      fc.constantFrom<Step>({ shell: `ls ${COCO}` }, { do: 'reset' }, { do: 'boot' }, { do: 'kexec' }),
      {
        maxLength: 2,
      },
    ),
  )
  .map(([attacks, without, twice, after]) => [
    ...LAUNCH.flatMap((step, i): Step[] => [
      ...attacks.filter(([place]) => place === i).map(([, each]) => ({ attack: each })),
      ...(i === without ? [] : [{ do: step }]),
      ...(i === twice ? [{ do: step }] : []),
    ]),
    ...attacks.filter(([place]) => place === LAUNCH.length).map(([, each]) => ({ attack: each })),
    ...after,
  ]);

/** A whole launch under attack; what comes of it is not said. */
export const attackedLaunch: Arbitrary<Scenario> = fc
  .record(
    {
      platform: fc.record(
        {
          profile: fc.constantFrom('genoa-1.55', 'spec'),
          encryption: fc.constantFrom('XEX', 'XE'),
        },
        { requiredKeys: [] },
      ),
      policy: fc
        .subarray(['NODBG', 'NOKS', 'NOSEND', 'ES'] as const)
        .map((flags) => [...new Set([...flags, 'NODBG' as const])]),
      linux: fc.constantFrom(...KERNELS),
      secrets: secretSources,
      steps,
    },
    { requiredKeys: ['secrets', 'steps'] },
  )
  .map((drawn): Scenario => ({ version: 1, title: 'A launch under attack', seed: 'fuzz', ...drawn }));
