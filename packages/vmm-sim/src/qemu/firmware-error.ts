/** What QEMU calls a status of the AMD-SP, by its number (7.2, target/i386/sev.c: sev_fw_errlist). */
export const FIRMWARE_ERROR_TEXTS: readonly string[] = [
  '',
  'Platform state is invalid',
  'Guest state is invalid',
  'Platform configuration is invalid',
  'Buffer too small', // INVALID_LENGTH; the words are QEMU's
  'Platform is already owned',
  'Certificate is invalid',
  'Policy is not allowed',
  'Guest is not active',
  'Invalid address',
  'Bad signature',
  'Bad measurement',
  'ASID is already owned',
  'Invalid ASID',
  'WBINVD is required',
  'DF_FLUSH is required',
  'Guest handle is invalid',
  'Invalid command',
  'Guest is active',
  'Hardware error',
  'Hardware unsafe',
  'Feature not supported',
  'Invalid parameter',
  'Required firmware resource depleted',
  'Part-specific integrity check failure',
];

export const firmwareErrorText = (code: number): string => FIRMWARE_ERROR_TEXTS[code] ?? 'unknown error';
