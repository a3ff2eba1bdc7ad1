import { equal } from '@sevlab/codec/bytes';

/** What was expected and what came; `held` says whether they agree. */
export interface Finding {
  readonly held: boolean;
  readonly expected: string;
  readonly actual: string;
}

/** Private bytes: told are only their number and where they first differ, since a log is no place for a secret. */
export function comparePrivate(wanted: Uint8Array, actual: Uint8Array): Finding {
  const at = wanted.findIndex((byte, i) => byte !== actual[i]);
  const differs = at === -1 ? '' : `, different from byte ${at} on`;
  return {
    held: equal(actual, wanted),
    expected: `${wanted.length} bytes`,
    actual: `${actual.length} bytes${differs}`,
  };
}
