import { type Spa, spa } from '@sevlab/codec/address';
import { COMMAND_ID, type CommandName, LaunchSecretBuffer } from '@sevlab/codec/sev/command';
import { type SevStatus, statusCode, statusFromCode } from '@sevlab/codec/sev/status';
import { serve } from '@sevlab/psp-sim/mailbox';
import { type FirmwareProfile, PROFILES } from '@sevlab/psp-sim/profile';
import type { SecureProcessor } from '@sevlab/psp-sim/secure-processor';
import { expect, test } from 'vitest';
import type { Case } from './case.ts';
import { allCases } from './cases.ts';
import { runCase, runCases } from './run.ts';
import { GivenNotReached, NotHere, type Target } from './target.ts';
import type { Serve } from './targets/sim-platform.ts';
import { answerPsp } from './targets/sim-psp.ts';

/** The cases about a launch; those of them that take long left out. */
const launchCases = allCases().filter(
  ({ id }) => /^(ACT|GST|LST|LUD|LME|LSE|LFI)-/.test(id) && id !== 'LST-31' && id !== 'LST-34',
);

/** Ids of the cases that a program fails. */
const failuresOf = (target: Target, cases: readonly Case[] = launchCases): string[] =>
  cases
    .map((testCase) => runCase(testCase, target))
    .filter(({ outcome }) => outcome === 'fail')
    .map(({ id }) => id);

/** A target with that AMD-SP and nothing else. */
const amdSp = (wrong: Serve): Target => ({ name: 'wrong', psp: (testCase) => answerPsp(testCase, wrong) });

/** An AMD-SP that answers one status where another belongs, and the other way round. */
const swapping =
  (a: SevStatus, b: SevStatus): Serve =>
  (sp, observer) => {
    const right = serve(sp, observer);
    const swapped = new Map([
      [statusCode(a), statusCode(b)],
      [statusCode(b), statusCode(a)],
    ]);
    return (id, buffer) => {
      const answer = right(id, buffer);
      return { ...answer, status: swapped.get(answer.status) ?? answer.status };
    };
  };

/** Ids of the cases in which one of the statuses is expected. */
const expecting = (...statuses: readonly (SevStatus | undefined)[]): string[] =>
  launchCases
    .filter((testCase) => testCase.room === 'psp')
    .filter(({ then, when, spec }) => {
      const earlier = when.map((step) => ('command' in step ? step.expect : undefined));
      return [then.status, spec?.then.status, ...earlier].some(
        (status) => status !== undefined && statuses.includes(status),
      );
    })
    .map(({ id }) => id);

test.each([
  ['INVALID_LENGTH', 'INVALID_ADDRESS'],
  ['INACTIVE', 'INVALID_GUEST_STATE'],
  ['BAD_MEASUREMENT', 'POLICY_FAILURE'],
] as const)('%s and %s swapped fail exactly the cases that expect one of the two', (a, b) => {
  const failures = failuresOf(amdSp(swapping(a, b)));
  expect(failures.length).toBeGreaterThan(3);
  expect(failures).toEqual(expecting(a, b));
});

/** An AMD-SP that does something of its own after a command. */
const meddling =
  (command: CommandName, meddle: (sp: SecureProcessor, buffer: Spa, status: SevStatus) => void): Serve =>
  (sp, observer) => {
    const right = serve(sp, observer);
    return (id, buffer) => {
      const answer = right(id, buffer);
      if (id === COMMAND_ID[command]) meddle(sp, buffer, statusFromCode(answer.status)!);
      return answer;
    };
  };

test('an AMD-SP that leaves the measurement out of the MAC opens no good packet, and one for any launch', () => {
  const unbound = meddling('LAUNCH_MEASURE', (sp) => {
    for (const guest of sp.state.guests.values()) guest.measure = new Uint8Array(0);
  });
  const failures = failuresOf(amdSp(unbound));
  expect(failures).toContain('LSE-01');
  expect(failures).toContain('LSE-27');
  expect(failures).not.toContain('LSE-27a'); // there it is right
  expect(failures.filter((id) => !id.startsWith('LSE-'))).toEqual([]);
});

const targetOf = (sp: SecureProcessor, buffer: Spa) =>
  LaunchSecretBuffer.decode(sp.memory.read(buffer, LaunchSecretBuffer.size));

test('an AMD-SP that writes more than the secret is noticed', () => {
  const generous = meddling('LAUNCH_SECRET', (sp, buffer, status) => {
    const { guestPaddr, guestLen } = targetOf(sp, buffer);
    if (status === 'SUCCESS') sp.memory.write(spa(guestPaddr + BigInt(guestLen)), new Uint8Array(16));
  });
  const successes = launchCases.filter(
    ({ id, ...testCase }) =>
      id.startsWith('LSE-') &&
      testCase.room === 'psp' &&
      [testCase.then, testCase.spec?.then].some((then) => then?.memory === 'plaintext'),
  );
  expect(failuresOf(amdSp(generous))).toEqual(expect.arrayContaining(successes.map(({ id }) => id)));
});

test('an AMD-SP that writes before it looks at the MAC is noticed', () => {
  const hasty = meddling('LAUNCH_SECRET', (sp, buffer, status) => {
    if (status === 'BAD_MEASUREMENT') sp.memory.write(targetOf(sp, buffer).guestPaddr, new Uint8Array(16));
  });
  const failures = failuresOf(amdSp(hasty));
  const refused = launchCases.filter(
    ({ room, then }) => room === 'psp' && then.status === 'BAD_MEASUREMENT' && then.memory === 'unchanged',
  );
  expect(failures).toEqual(refused.map(({ id }) => id));
});

test('an AMD-SP that shows the secret to the host is noticed', () => {
  const open = meddling('LAUNCH_SECRET', (sp, buffer, status) => {
    const { guestPaddr, guestLen, transPaddr } = targetOf(sp, buffer);
    if (status === 'SUCCESS') sp.memory.write(guestPaddr, sp.memory.read(transPaddr, guestLen));
  });
  expect(failuresOf(amdSp(open))).toContain('LSE-01');
});

test('an AMD-SP that measures addresses too is noticed', () => {
  const literal = meddling('LAUNCH_UPDATE_DATA', (sp) => {
    for (const guest of sp.state.guests.values()) guest.runningDigest.update(Uint8Array.of(1));
  });
  const measuring = launchCases.filter(
    ({ room, when, then }) =>
      room === 'psp' &&
      when.some((step) => 'command' in step && step.command === 'LAUNCH_UPDATE_DATA') &&
      (then.launchDigest ?? then.vouched) !== undefined,
  );
  expect(failuresOf(amdSp(literal))).toEqual(measuring.map(({ id }) => id));
});

const genoa: FirmwareProfile = PROFILES['genoa-1.55'];
const differing = Object.entries(PROFILES.spec).filter(
  ([field, value]) => genoa[field as keyof FirmwareProfile] !== value, // keys of a profile
);

test.each(differing)("an AMD-SP that is the specification's in %s alone is noticed", (field, value) => {
  const half: Serve = (sp, observer) => {
    Object.assign(sp.state, { profile: { ...sp.state.profile, [field]: value } });
    return serve(sp, observer);
  };
  const touched = allCases().flatMap((each) => {
    if (each.room !== 'psp' || each.spec === undefined) return [];
    const { spec: _, ...underGenoa } = each;
    return [underGenoa];
  });
  const failures = failuresOf(amdSp(half), touched);
  if (field === 'refusedVmsaIsMeasured')
    expect(failures).toEqual([]); // a full pool takes too long: sev-es.test.ts
  else expect(failures).not.toEqual([]);
});

test('a target that cannot begin fails, and says why', () => {
  const stubborn: Target = {
    name: 'stubborn',
    psp: () => {
      throw new GivenNotReached('INIT answered HWERROR_PLATFORM');
    },
  };
  const [first] = allCases();
  expect(runCase(first!, stubborn)).toMatchObject({
    outcome: 'fail',
    actual: 'INIT answered HWERROR_PLATFORM',
  });
});

test('what a target has no room for is skipped, not passed', () => {
  const results = allCases().map((testCase) => runCase(testCase, { name: 'empty' }));
  expect(results.map(({ outcome }) => outcome)).toEqual(results.map(() => 'skip'));
});

test('a target may answer the cases of the kernel all at once, in their order', async () => {
  const cases = allCases().filter(({ id }) => ['PRS-01', 'LSE-01', 'PRS-02', 'PRS-03'].includes(id));
  const target: Target = {
    name: 'a kernel alone',
    kernels: async (kernelCases) =>
      kernelCases.map(({ id, then }) => {
        if (id === 'PRS-01') return new NotHere('it is another one');
        return id === 'PRS-02' ? new GivenNotReached('it died') : then;
      }),
  };
  const results = await runCases(cases, target);
  expect(results.map(({ id, outcome }) => [id, outcome])).toEqual([
    ['LSE-01', 'skip'],
    ['PRS-01', 'skip'],
    ['PRS-02', 'fail'],
    ['PRS-03', 'pass'],
  ]);
  expect(results.map(({ actual }) => actual).slice(0, 3)).toEqual([
    'a kernel alone has no psp',
    'it is another one',
    'it died',
  ]);
});

test("a fault of the target itself is nobody's failure", () => {
  const broken: Target = {
    name: 'broken',
    psp: () => {
      throw new TypeError('a mistake');
    },
  };
  expect(() => runCase(allCases()[0]!, broken)).toThrow(TypeError);
});
