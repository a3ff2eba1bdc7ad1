import { describe, expect, it } from 'vitest';
import { KERNEL_PROFILES, kernelProfile, profileOfRelease } from './profile.ts';

describe('kernelProfile', () => {
  it.each([
    ['6.1', '6.1.192'],
    ['6.12', '6.12.107'],
    ['7.3', '7.3.4'],
    ['6.1.148', '6.1.148'],
    ['6.12.42', '6.12.42'],
  ])('takes %s for %s', (name, release) => expect(kernelProfile(name).release).toBe(release));

  it('takes the full version of a series, with the same behaviour', () => {
    for (const [series, release] of [
      ['6.1', '6.1.192'],
      ['6.12', '6.12.107'],
      ['7.3', '7.3.4'],
    ] as const) {
      expect(kernelProfile(release)).toEqual({ ...kernelProfile(series), name: release });
    }
  });

  it('refuses any other name with the list', () => {
    for (const name of ['', '6', '6.1.149', '5.18', 'constructor', 'documented ']) {
      expect(() => kernelProfile(name)).toThrow(RangeError);
    }
    expect(() => kernelProfile('6.2')).toThrow(
      "there is no kernel '6.2'; expected one of documented, 5.19, 5.19.0, 6.1, 6.1.192, 6.1.148, " +
        '6.12, 6.12.107, 6.12.42, 7.3, 7.3.4, debian',
    );
    expect(KERNEL_PROFILES.map((name) => kernelProfile(name).name)).toEqual(KERNEL_PROFILES);
  });
});

describe('profileOfRelease', () => {
  it.each([
    ['5.19.17', '5.19'],
    ['6.1.0', '6.1.148'],
    ['6.1.148', '6.1.148'],
    ['6.1.149', '6.1'],
    ['6.1.192-sevlab', '6.1'],
    ['6.1.999', '6.1'],
    ['6.12.42', '6.12.42'],
    ['6.12.43+deb13-amd64', '6.12'],
    ['7.3.4', '7.3'],
  ])('knows %s as %s', (release, name) => expect(profileOfRelease(release).name).toBe(name));

  it('refuses a series that nobody recorded', () => {
    expect(() => profileOfRelease('6.18.44')).toThrow("no kernel of the series of '6.18.44' is recorded");
    expect(() => profileOfRelease('Linux')).toThrow(RangeError);
  });
});
