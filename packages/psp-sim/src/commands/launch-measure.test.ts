import { LaunchMeasureBuffer } from '@sevlab/codec/sev/command';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { measureLaunch } from '@sevlab/sev-channel/measurement';
import { describe, expect, it } from 'vitest';
import { createPlatform, HOLE, initialise, launchGuest, TIK } from '../../test/platform.ts';
import type { ProfileName } from '../profile.ts';

/** SHA-256 of nothing (FIPS 180-4). */
const EMPTY = Buffer.from('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex');

function launching(profile: ProfileName) {
  const platform = createPlatform(profile);
  initialise(platform);
  const handle = launchGuest(platform);
  const good = platform.place(new Uint8Array(0x100).fill(0x5a));
  const measure = (measureLen: number, measurePaddr = good) => {
    const answer = platform.run('LAUNCH_MEASURE', LaunchMeasureBuffer, { handle, measurePaddr, measureLen });
    return { status: answer.status, length: answer.value.measureLen };
  };
  const written = () => platform.machine.host.memory.read(good, 0x100);
  return { platform, handle, measure, written };
}

/** Whether the first 48 bytes measure a launch of nothing. */
function measuresNothing(bytes: Uint8Array): boolean {
  const { measure, mnonce } = LaunchMeasurement.decodeAt(bytes, 0);
  const version = { apiMajor: 1, apiMinor: 55, build: 25 };
  const expected = measureLaunch({ tik: TIK, version, policy: 1, digest: new Uint8Array(EMPTY), mnonce });
  return Buffer.from(measure).equals(expected);
}

describe.each([
  ['genoa-1.55', 0x100, false],
  ['spec', 0x30, true],
] as const)('LAUNCH_MEASURE, %s', (profile, lengthAfter, survives) => {
  it('with more room than it needs', () => {
    const { measure, written } = launching(profile);
    expect(measure(0x100)).toEqual({ status: 'SUCCESS', length: lengthAfter });
    expect(measuresNothing(written())).toBe(true);
    expect(written().subarray(0x30)).toEqual(new Uint8Array(0xd0).fill(0x5a));
  });

  it('after a length that was too short', () => {
    const { platform, handle, measure, written } = launching(profile);
    for (const length of [0, 0x2f])
      expect(measure(length)).toEqual({ status: 'INVALID_LENGTH', length: 0x30 });
    expect(platform.sp.guest(handle).state).toBe('LUPDATE');
    expect(measure(0x30).status).toBe('SUCCESS');
    expect(measuresNothing(written())).toBe(true);
  });

  it('after a bad address', () => {
    const { platform, handle, measure, written } = launching(profile);
    expect(measure(0x30, HOLE).status).toBe(platform.sp.state.profile.noDram);
    expect(platform.sp.guest(handle).state).toBe('LUPDATE');
    expect(measure(0x30).status).toBe('SUCCESS');
    expect(measuresNothing(written())).toBe(survives);
  });
});
