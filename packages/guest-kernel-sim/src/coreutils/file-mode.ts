import { S_ISGID, S_ISUID, S_ISVTX } from '../user.ts';

/** What new files and `chmod +w` leave out: write for group and others. */
export const UMASK = 0o022;

/** One step of a mode: `u+rw`, or a number, which sets everything. */
interface ModeStep {
  readonly operator: '+' | '-' | '=';
  /** Bits of those whom it concerns. */
  readonly who: number;
  /** Nobody was named: the umask holds. */
  readonly anybody: boolean;
  readonly bits: number;
  /** `X`: execution where somebody has it, and for directories. */
  readonly conditional: boolean;
  /** Permissions of this class are copied: the shift of its bits. */
  readonly copy: number | undefined;
  /** A directory keeps set-ID bits that are not named; a number of five digits names all. */
  readonly keeps: boolean;
}

const WHO: Readonly<Record<string, number>> = {
  u: S_ISUID | 0o700,
  g: S_ISGID | 0o070,
  o: S_ISVTX | 0o007,
  a: 0o7777,
};
const PERMISSION: Readonly<Record<string, number>> = {
  r: 0o444,
  w: 0o222,
  x: 0o111,
  s: S_ISUID | S_ISGID,
  t: S_ISVTX,
};
const SHIFT: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };

/** A mode of chmod(1), octal or symbolic; undefined when it is none. */
export function parseMode(text: string): readonly ModeStep[] | undefined {
  if (/^[0-7]{1,5}$/.test(text) && parseInt(text, 8) <= 0o7777) {
    const step = { operator: '=', who: 0o7777, anybody: false, conditional: false, copy: undefined } as const;
    return [{ ...step, bits: parseInt(text, 8), keeps: text.length < 5 }];
  }
  const steps: ModeStep[] = [];
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/.exec(clause);
    if (match === null) return undefined;
    const [, people = '', actions = ''] = match;
    const who = [...people].reduce((bits, letter) => bits | WHO[letter]!, 0);
    for (const [, operator, letters = ''] of actions.matchAll(/([-+=])([ugo]|[rwxXst]*)/g)) {
      steps.push({
        operator: operator as ModeStep['operator'],
        who: people === '' ? 0o7777 : who,
        anybody: people === '',
        bits: [...letters].reduce((bits, letter) => bits | (PERMISSION[letter] ?? 0), 0),
        keeps: !letters.includes('s'),
        conditional: letters.includes('X'),
        copy: SHIFT[letters],
      });
    }
  }
  return steps;
}

/** The permissions that come out of `mode`, which holds permissions only. */
export function changeMode(
  mode: number,
  steps: readonly ModeStep[],
  { directory, umask = UMASK }: { readonly directory: boolean; readonly umask?: number },
): number {
  let next = mode;
  for (const { operator, who, anybody, bits, conditional, copy, keeps } of steps) {
    const copied = copy === undefined ? 0 : ((next >> copy) & 7) * 0o111;
    const execute = conditional && (directory || (next & 0o111) !== 0) ? 0o111 : 0;
    const value = (bits | copied | execute) & who & (anybody ? ~umask : ~0);
    const kept = directory && keeps ? next & (S_ISUID | S_ISGID) : 0;
    if (operator === '+') next |= value;
    else if (operator === '-') next &= ~value;
    else next = (next & ~who) | value | kept;
  }
  return next;
}
