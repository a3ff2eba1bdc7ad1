import { toHex } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import { LAYOUTS } from '../layouts.ts';
import { MemoryAllocationHob } from './hob-list.ts';
import { secretPei } from './secret-pei.ts';

// As found in the hand-off block list of OVMF AmdSev 2026.08.
const REAL =
  '0200300000000000' +
  '00000000000000000000000000000000' +
  '0000810000000000' +
  '0010000000000000' +
  '00000000' +
  '00000000';

const hobOf = (layout: keyof typeof LAYOUTS): string =>
  toHex(MemoryAllocationHob.encode(secretPei(LAYOUTS[layout].secretArea, LAYOUTS[layout].areaMemoryType)));

test('the block of a real firmware, a whole page for 0xc00 bytes', () => {
  expect(hobOf('202405')).toBe(REAL);
  expect(hobOf('202402')).toBe(REAL.replace('00008100', '00f08000'));
});

test('the first releases give away boot services memory', () => {
  expect(hobOf('202102')).toBe(REAL.replace('00008100', '00c08000').replace(/0{16}$/, '0400000000000000'));
});
