import { expect, test } from 'vitest';
import { SEV_STATUS, type SevStatus, statusCode, statusFromCode } from './status.ts';

/** As AMD's sev-tool (sevapi.h) and virtee/sev (error.rs) number them. */
const NUMBERS: readonly (readonly [number, SevStatus])[] = [
  [0x00, 'SUCCESS'],
  [0x01, 'INVALID_PLATFORM_STATE'],
  [0x02, 'INVALID_GUEST_STATE'],
  [0x03, 'INVALID_CONFIG'],
  [0x04, 'INVALID_LENGTH'],
  [0x05, 'ALREADY_OWNED'],
  [0x06, 'INVALID_CERTIFICATE'],
  [0x07, 'POLICY_FAILURE'],
  [0x08, 'INACTIVE'],
  [0x09, 'INVALID_ADDRESS'],
  [0x0a, 'BAD_SIGNATURE'],
  [0x0b, 'BAD_MEASUREMENT'],
  [0x0c, 'ASID_OWNED'],
  [0x0d, 'INVALID_ASID'],
  [0x0e, 'WBINVD_REQUIRED'],
  [0x0f, 'DF_FLUSH_REQUIRED'],
  [0x10, 'INVALID_GUEST'],
  [0x11, 'INVALID_COMMAND'],
  [0x12, 'ACTIVE'],
  [0x13, 'HWERROR_PLATFORM'],
  [0x14, 'HWERROR_UNSAFE'],
  [0x15, 'UNSUPPORTED'],
  [0x16, 'INVALID_PARAM'],
  [0x17, 'RESOURCE_LIMIT'],
  [0x18, 'SECURE_DATA_INVALID'],
];

test.each(NUMBERS)('0x%s is %s, both ways', (code, name) => {
  expect(statusCode(name)).toBe(code);
  expect(statusFromCode(code)).toBe(name);
});

test('there are no others, and each has a sentence', () => {
  expect(Object.keys(SEV_STATUS)).toEqual(NUMBERS.map(([, name]) => name));
  for (const { sentence } of Object.values(SEV_STATUS)) expect(sentence).toMatch(/^[A-Z].*\.$/);
  expect(statusFromCode(0x19)).toBeUndefined();
  expect(statusFromCode(0xffff)).toBeUndefined();
});
