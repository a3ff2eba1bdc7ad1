import { errnoOf } from '../coreutils/program.ts';
import type { SystemCalls } from '../coreutils/system-calls.ts';
import { nameService } from '../name-service.ts';
import type { Part, Word } from './command-line.ts';
import { LimitReached, NAMES_MAX } from './limits.ts';
import { currentLogin, type Session } from './session.ts';

/** A character of a pattern; `any` is `?`, `all` is `*`. */
type Cell = 'any' | 'all' | { readonly literal: string };

/**
 * What a word becomes: `~` and `$?` are replaced, and a pattern of `*` and `?` by the names that fit it, sorted; by
 * itself when none does. Throws LimitReached.
 */
export function expandWord(sys: SystemCalls, session: Session, word: Word): string[] {
  const parts = word.map((part) => replace(sys, session, part));
  const text = parts.map((part) => part.text).join('');
  if (!parts.some(({ kind, text: plain }) => kind === 'plain' && /[*?]/.test(plain))) return [text];
  const names = namesThatFit(sys, parts.flatMap(cellsOf));
  return names.length > 0 ? names.toSorted(byCodePoint) : [text];
}

function replace(sys: SystemCalls, session: Session, part: Part): Part {
  if (part.kind === 'status') return { kind: 'quoted', text: `${session.status}` };
  if (part.kind !== 'home') return part;
  const account = part.text === '' ? currentLogin(session).account : nameService(sys).findUser(part.text);
  return { kind: 'quoted', text: account?.home ?? `~${part.text}` };
}

const byCodePoint = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function cellsOf({ kind, text }: Part): Cell[] {
  return [...text].map((literal) => {
    if (kind !== 'plain' || (literal !== '*' && literal !== '?')) return { literal };
    return literal === '*' ? 'all' : 'any';
  });
}

const isSlash = (cell: Cell): boolean => typeof cell === 'object' && cell.literal === '/';

/** Component after component; what cannot be read has no names. Throws LimitReached. */
function namesThatFit(sys: SystemCalls, cells: readonly Cell[]): string[] {
  const components: Cell[][] = [[]];
  for (const cell of cells) {
    if (isSlash(cell)) components.push([]);
    else components.at(-1)?.push(cell);
  }
  let paths = [''];
  let expanded = false;
  let seen = 0;
  components.forEach((component, i) => {
    const slash = i < components.length - 1 ? '/' : '';
    const pattern = component.some((cell) => typeof cell === 'string');
    if (pattern)
      paths = paths.flatMap((path) => {
        const names = entriesThatFit(sys, path, component);
        seen += names.length;
        if (seen > NAMES_MAX) throw new LimitReached(`a pattern led to ${NAMES_MAX} names`);
        return names.map((name) => path + name);
      });
    else
      paths = paths.map(
        (path) => path + component.map((cell) => (typeof cell === 'object' ? cell.literal : '')).join(''),
      );
    expanded ||= pattern;
    paths = paths.map((path) => path + slash);
    if (expanded && (!pattern || slash !== ''))
      paths = paths.filter((path) => errnoOf(() => sys.stat(path)) === undefined);
  });
  return paths;
}

function entriesThatFit(sys: SystemCalls, directory: string, pattern: readonly Cell[]): string[] {
  let names: string[] = [];
  errnoOf(() => {
    names = sys.readdir(directory === '' ? '.' : directory).map(({ name }) => name);
  });
  const [first] = pattern;
  const hidden = typeof first === 'object' && first.literal === '.';
  return names.filter(
    (name) => name !== '.' && name !== '..' && (hidden || !name.startsWith('.')) && fits(pattern, [...name]),
  );
}

/** Goes back to the last `*` where a character does not fit, so that no pattern takes long. */
function fits(pattern: readonly Cell[], name: readonly string[]): boolean {
  let at = 0;
  let back: { readonly pattern: number; readonly name: number } | undefined;
  for (let i = 0; i < name.length || at < pattern.length; ) {
    const cell = pattern[at];
    if (cell === 'all') {
      back = { pattern: at, name: i };
      at++;
    } else if (i < name.length && cell !== undefined && (cell === 'any' || cell.literal === name[i])) {
      at++;
      i++;
    } else if (back !== undefined && back.name < name.length) {
      back = { pattern: back.pattern, name: back.name + 1 };
      at = back.pattern + 1;
      i = back.name;
    } else {
      return false;
    }
  }
  return true;
}
