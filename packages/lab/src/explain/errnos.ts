import { ERRNO_TEXT, Errno, type ErrnoName } from '@sevlab/guest-kernel-sim/errno';
import { ERRNO_CAUSES } from './errno-causes.ts';
import type { Explanation } from './explanation.ts';

const ERRNO_PLACES = /\b(?:ret|err|errno|rc|error)[= ](-\d+)\b/g;

/** Names of the errno values that a text gives by name, by number, or in the words of the C library. */
export function errnosIn(text: string, messages: readonly unknown[]): readonly ErrnoName[] {
  const numbers = [...text.matchAll(ERRNO_PLACES)]
    .map(([, number]) => Number(number))
    .filter((number) => number < -1); // -1 is what ioctl(2) returns, whatever errno is
  const names = new Set([...text.matchAll(/\bE[A-Z0-9]{2,}\b/g)].map(([name]) => name));
  const ends = ERRNOS.filter((name) => {
    const end = text.trim().toLowerCase();
    return messages.length === 0 && end.endsWith(ERRNO_TEXT[name].toLowerCase());
  });
  return [
    ...new Set([...ERRNOS.filter((name) => numbers.includes(-Errno[name]) || names.has(name)), ...ends]),
  ];
}

/** Names of all errno values that are known. */
export const ERRNOS = Object.keys(Errno) as ErrnoName[]; // keys of a literal record

/** What an errno means to whoever is named first in ERRNO_CAUSES like `errnoOf`, or to all. */
export function explainErrno(name: ErrnoName, errnoOf: string): Explanation {
  const all = ERRNO_CAUSES[name];
  const own = all.filter(({ by }) => errnoOf !== '' && by.startsWith(errnoOf));
  const causes = own.length > 0 ? own : all;
  return {
    kind: 'errno',
    what: `${name}, ${Errno[name]}: ${ERRNO_TEXT[name]}`,
    by: causes.length === 1 ? causes[0]!.by : 'Linux',
    means:
      causes.length === 1 ? causes[0]!.means : causes.map(({ by, means }) => `${by}: ${means}`).join('. '),
  };
}
