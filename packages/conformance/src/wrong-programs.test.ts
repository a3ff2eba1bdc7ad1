import { type Spa, spa } from '@sevlab/codec/address';
import { toHex } from '@sevlab/codec/bytes';
import { COMMAND_ID, type CommandName, LaunchSecretBuffer } from '@sevlab/codec/sev/command';
import { type SevStatus, statusCode, statusFromCode } from '@sevlab/codec/sev/status';
import { serve } from '@sevlab/psp-sim/mailbox';
import type { SecureProcessor } from '@sevlab/psp-sim/secure-processor';
import { expect, test } from 'vitest';
import { allCases } from './cases.ts';
import { runCase } from './run.ts';
import { secretAreaBytes } from './secret-area.ts';
import { GivenNotReached, type Target } from './target.ts';
import { simTarget } from './targets/sim.ts';
import type { Serve } from './targets/sim-platform.ts';
import { answerPsp } from './targets/sim-psp.ts';

/** Ids of the cases that a program fails. */
const failuresOf = (target: Target): string[] =>
  allCases()
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
      const status = right(id, buffer);
      return swapped.get(status) ?? status;
    };
  };

/** Ids of the cases in which one of the statuses is expected. */
const expecting = (...statuses: readonly (SevStatus | undefined)[]): string[] =>
  allCases()
    .filter((testCase) => testCase.room === 'psp')
    .filter(({ then, when }) => {
      const earlier = when.map((step) => ('command' in step ? step.expect : undefined));
      return [then.status, ...earlier].some((status) => status !== undefined && statuses.includes(status));
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
      const code = right(id, buffer);
      if (id === COMMAND_ID[command]) meddle(sp, buffer, statusFromCode(code)!);
      return code;
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
  const successes = ['LSE-01', 'LSE-10c', 'LSE-12', 'LSE-23', 'LSE-27a', 'LSE-30', 'LSE-33', 'LSE-41'];
  expect(failuresOf(amdSp(generous))).toEqual(successes);
});

test('an AMD-SP that writes before it looks at the MAC is noticed', () => {
  const hasty = meddling('LAUNCH_SECRET', (sp, buffer, status) => {
    if (status === 'BAD_MEASUREMENT') sp.memory.write(targetOf(sp, buffer).guestPaddr, new Uint8Array(16));
  });
  const failures = failuresOf(amdSp(hasty));
  expect(failures).toEqual(
    expecting('BAD_MEASUREMENT').filter((id) => id.startsWith('LSE-') && id !== 'LSE-33'),
  );
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
  expect(failuresOf(amdSp(literal))).toEqual(['LUD-09', 'LUD-10', 'LME-03']);
});

const sim = simTarget();

test('a kernel that makes a file of the 65th entry fails PRS-20 alone', () => {
  const generous: Target = {
    name: 'without EFI_SECRET_NUM_FILES',
    kernel: (testCase) => {
      const answer = sim.kernel!(testCase);
      return answer.fileCount === 64 ? { ...answer, fileCount: 65 } : answer;
    },
  };
  expect(failuresOf(generous)).toEqual(['PRS-20']);
});

test('a kernel that leaves the data of a removed file fails DEL-01 alone', () => {
  const forgetful: Target = {
    name: 'without the wipe',
    kernel: (testCase) => {
      return { ...sim.kernel!(testCase), areaAfter: toHex(secretAreaBytes(testCase.given.area)) };
    },
  };
  expect(failuresOf(forgetful)).toEqual(['DEL-01']);
});

test('a firmware that reserves nothing fails the cases about the page', () => {
  const careless: Target = {
    name: 'without SecretPei',
    firmware: (testCase) => {
      const { image } = testCase.given;
      if (!('layout' in image)) return sim.firmware!(testCase);
      return sim.firmware!({
        ...testCase,
        given: { ...testCase.given, image: { ...image, reservesArea: false } },
      });
    },
  };
  expect(failuresOf(careless)).toEqual(['PD-03', 'PD-02']);
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

test("a fault of the target itself is nobody's failure", () => {
  const broken: Target = {
    name: 'broken',
    psp: () => {
      throw new TypeError('a mistake');
    },
  };
  expect(() => runCase(allCases()[0]!, broken)).toThrow(TypeError);
});
