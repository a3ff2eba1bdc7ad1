import { utf8 } from '@sevlab/codec/bytes';
import { NULL_GUID } from '@sevlab/codec/guid';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { comparePrivate } from '@sevlab/lab/scenario/finding';
import type { LaunchedGuest } from './launched-guest.ts';
import type { Answer } from './paused-guest.ts';

/** What vitest and jest want of a matcher. */
interface Result {
  readonly pass: boolean;
  readonly message: () => string;
}

/** For `expect.extend()` of vitest and of jest. */
export const matchers = {
  /** The AMD-SP gave that answer; where it gave another one, the message says why. */
  toHaveStatus(answer: Answer, status: SevStatus): Result {
    const because = answer.cause === undefined ? '' : `: ${answer.cause}`;
    return {
      pass: answer.status === status,
      message: () => `expected the AMD-SP to answer ${status}, got ${answer.status}${because}`,
    };
  },

  /** The guest finds a secret of that name, and if `value` is given, that one. Text is UTF-8. */
  toHaveSecret(guest: LaunchedGuest, guid: string, value?: string | Uint8Array): Result {
    const names = guest.listSecrets();
    if (!names.includes(guid.toLowerCase()))
      return {
        pass: false,
        message: () => `expected the guest to have secret ${guid}, and it has ${names.join(', ') || 'none'}`,
      };
    const wanted = typeof value === 'string' ? utf8(value) : value;
    const actual = guest.readSecret(guid);
    const finding = comparePrivate(wanted ?? actual, actual);
    return {
      pass: finding.held,
      message: () =>
        finding.held
          ? `expected the guest not to have ${wanted === undefined ? 'a' : 'that'} secret ${guid}`
          : `expected secret ${guid} to be the given ${finding.expected}, got ${finding.actual}`,
    };
  },

  /** The file is gone, and so are name and bytes in guest memory. */
  toHaveWiped(guest: LaunchedGuest, guid: string): Result {
    const shown = guest.listSecrets().includes(guid.toLowerCase());
    const { guid: name, data } = guest.remainsOf(guid);
    const left = data.filter((byte) => byte !== 0).length;
    const still = [
      ...(shown ? ['the guest still shows its file'] : []),
      ...(name === NULL_GUID ? [] : ['guest memory still has its name']),
      ...(left === 0 ? [] : [`guest memory still has ${left} of its ${data.length} bytes`]),
    ];
    return {
      pass: still.length === 0,
      message: () =>
        still.length === 0
          ? `expected secret ${guid} to be left, and it was wiped`
          : `expected secret ${guid} to be wiped, and ${still.join(', ')}`,
    };
  },
};
