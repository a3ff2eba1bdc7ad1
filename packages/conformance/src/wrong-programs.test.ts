import { COMMAND_ID } from '@sevlab/codec/sev/command';
import { type SevStatus, statusCode } from '@sevlab/codec/sev/status';
import { serve } from '@sevlab/psp-sim/mailbox';
import { expect, test } from 'vitest';
import { allCases } from './cases.ts';
import { runCase } from './run.ts';
import { GivenNotReached, type Target } from './target.ts';
import { simTarget } from './targets/sim.ts';
import type { Serve } from './targets/sim-platform.ts';

/** Ids of the cases that a program fails. */
const failuresOf = (target: Target): string[] =>
  allCases()
    .map((testCase) => runCase(testCase, target))
    .filter(({ outcome }) => outcome === 'fail')
    .map(({ id }) => id);

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

test('swapped statuses fail exactly the cases that expect one of the two', () => {
  const expecting = (...statuses: SevStatus[]) =>
    allCases()
      .filter((one) => one.room === 'psp')
      .filter(({ then, when }) => [then.status, ...when.map((step) => ('expect' in step ? step.expect : undefined))].some((status) => status !== undefined && statuses.includes(status)))
      .map(({ id }) => id);
  for (const [a, b] of [
    ['INVALID_LENGTH', 'INVALID_ADDRESS'],
    ['INACTIVE', 'INVALID_GUEST_STATE'],
    ['BAD_MEASUREMENT', 'POLICY_FAILURE'],
  ] as const) {
    expect(failuresOf(simTarget(swapping(a, b)))).toEqual(expecting(a, b));
  }
});

test('an AMD-SP that leaves the measurement out of the MAC takes a packet that is bound to no launch', () => {
  const unbound: Serve = (sp, observer) => {
    const right = serve(sp, observer);
    return (id, buffer) => {
      const status = right(id, buffer);
      if (id === COMMAND_ID.LAUNCH_MEASURE) {
        for (const guest of sp.state.guests.values()) guest.measure = new Uint8Array(0);
      }
      return status;
    };
  };
  const failures = failuresOf(simTarget(unbound));
  expect(failures).toContain('LSE-01'); // no packet of a guest owner opens
  expect(failures).toContain('LSE-27'); // and a packet for any launch does
  expect(failures.every((id) => id.startsWith('LSE-'))).toBe(true);
});

test('an AMD-SP that writes the plaintext where the host can read it is noticed', () => {
  const leaky: Serve = (sp, observer) => {
    const right = serve(sp, observer);
    return (id, buffer) => {
      const status = right(id, buffer);
      // an engine without a key: the cells are what the guest reads
      if (id === COMMAND_ID.LAUNCH_SECRET && status === 0) sp.memory.write(targetOf(sp.memory.read(buffer, 0x34)), sp.memory.read(transOf(sp.memory.read(buffer, 0x34)), 64));
      return status;
    };
  };
  expect(failuresOf(simTarget(leaky))).toContain('LSE-01');
});
