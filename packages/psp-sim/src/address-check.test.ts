import { spa } from '@sevlab/codec/address';
import { expect, test } from 'vitest';
import { createPlatform } from '../test/platform.ts';
import { isDram, isUsable, rangesOverlap } from './address-check.ts';

const TMR = spa(0x2000_0000n);
const C_BIT = 1n << 51n;

const withTmr = (enabled: boolean) => {
  const { sp } = createPlatform();
  sp.state.tmr = { paddr: TMR, enabled };
  return sp;
};

/** First byte, length, and whether the AMD-SP touches the range, by the last byte that decides. */
test.each([
  [0x9_fff0n, 16, true],
  [0x9_fff0n, 17, false],
  [0xb_ffffn, 1, false],
  [0xc_0000n, 1, true],
  [0x3ffc_ffff_fff0n, 16, true],
  [0x3ffc_ffff_fff0n, 17, false],
  [0xffff_ffff_ffff_ffffn, 1, false],
  [0xffff_ffff_ffff_fff0n, 32, false],
  [TMR - 16n, 16, true],
  [TMR - 16n, 17, false],
  [TMR, 1, false],
  [TMR + 0xf_ffffn, 1, false],
  [TMR + 0x10_0000n, 1, true],
  [TMR - 0x1000n, 0x20_0000, false],
])('with a TMR at 512 MiB, %i and %i bytes: usable %s', (start, length, usable) => {
  for (const enabled of [false, true]) {
    expect(isUsable(withTmr(enabled), spa(start), length)).toBe(usable);
    expect(isUsable(withTmr(enabled), spa(start | C_BIT), length)).toBe(usable);
  }
});

test('without SEV-ES the same place is like any other', () => {
  expect(isUsable(createPlatform().sp, TMR, 16)).toBe(true);
});

test('every command sees it: reachable says INVALID_ADDRESS, and INVALID_CONFIG for a hole', () => {
  const sp = withTmr(false);
  expect(sp.reachable(TMR, 16)).toBe('INVALID_ADDRESS');
  expect(sp.reachable(spa(TMR - 16n), 16)).toBe('SUCCESS');
  expect(sp.reachable(spa(0x9000_0000n), 16)).toBe('INVALID_CONFIG');
  expect(createPlatform('spec').sp.reachable(spa(0x9000_0000n), 16)).toBe('INVALID_ADDRESS');
});

test.each([
  [0x7fff_fff0n, 16, true],
  [0x7fff_fff0n, 17, false],
  [0x1_0000_0000n, 1, true],
  [0xffff_ffffn, 2, false],
])('%i and %i bytes: DRAM %s', (start, length, dram) => {
  expect(isDram('genoa', spa(start), length)).toBe(dram);
});

test('ranges that touch do not overlap, whatever the C-bit', () => {
  const first = [spa(0x1000n), 16] as const;
  expect(rangesOverlap('genoa', first, [spa(0x1010n | C_BIT), 16])).toBe(false);
  expect(rangesOverlap('genoa', first, [spa(0x100fn | C_BIT), 16])).toBe(true);
  expect(rangesOverlap('genoa', [spa(0x100fn), 1], first)).toBe(true);
});
