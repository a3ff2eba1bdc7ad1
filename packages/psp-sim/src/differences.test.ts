import { describe, expect, it } from 'vitest';
import { DIFFERENCES } from './differences.ts';
import { type FirmwareProfile, PROFILES } from './profile.ts';

const genoa: FirmwareProfile = PROFILES['genoa-1.55'];
const spec: FirmwareProfile = PROFILES.spec;
const fields = Object.keys(genoa) as (keyof FirmwareProfile)[]; // keys of a record

describe('the differences', () => {
  it('are D-1 to D-42', () => {
    expect(DIFFERENCES.map(({ id }) => id)).toEqual(Array.from({ length: 42 }, (_, i) => `D-${i + 1}`));
  });

  it.each(fields.filter((field) => field !== 'curveCheck'))('one of them is decided by %s', (field) => {
    expect(DIFFERENCES.filter(({ decidedBy }) => decidedBy === field)).toHaveLength(1);
  });

  it('are decided by fields that there are', () => {
    const words = ['the same on both', "a client's matter"];
    const unknown = DIFFERENCES.filter(
      ({ decidedBy }) => !words.includes(decidedBy) && !(fields as string[]).includes(decidedBy),
    );
    expect(unknown).toEqual([]);
  });

  it('are what tells the two profiles apart, but for what both have alike for a reason', () => {
    const alike = fields.filter((field) => genoa[field] === spec[field]);
    expect(alike).toEqual(['version', 'sessionless', 'secretMax', 'curveCheck']);
  });
});
