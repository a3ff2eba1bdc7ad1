import { expect, test } from 'vitest';
import { describePolicy, hasPolicy, POLICY, type PolicyFlag, policyApi } from './policy.ts';

/** Bits as 55766 numbers them, and as `sevctl` and QEMU's `policy=` take them. */
test.each<[PolicyFlag, number]>([
  ['NODBG', 0],
  ['NOKS', 1],
  ['ES', 2],
  ['NOSEND', 3],
  ['DOMAIN', 4],
  ['SEV', 5],
])('%s is bit %i', (flag, bit) => {
  expect(POLICY[flag]).toBe(2 ** bit);
  expect(hasPolicy(2 ** bit, flag)).toBe(true);
  expect(hasPolicy(0xffffffff - 2 ** bit, flag)).toBe(false);
});

test('API_MAJOR is in bits 23:16, API_MINOR in 31:24', () => {
  expect(policyApi(0x37010005)).toEqual({ major: 1, minor: 55 });
  expect(policyApi(0xff000000)).toEqual({ major: 0, minor: 255 });
});

test.each([
  [0x0, 'none'],
  [0x1, 'NODBG'],
  [0x37010005, 'NODBG ES API>=1.55'],
  [0x3f, 'NODBG NOKS ES NOSEND DOMAIN SEV'],
  [0x8041, 'NODBG reserved:0x8040'],
  [0x16000000, 'API>=0.22'],
])('policy %i reads %s', (policy, text) => {
  expect(describePolicy(policy)).toBe(text);
});
