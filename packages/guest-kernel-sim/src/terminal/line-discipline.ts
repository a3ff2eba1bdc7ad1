import { createKeyDecoder, decodeKey, type Key, type KeyDecoder } from './keys.ts';

/**
 * A line that somebody types, as plain data, on a terminal: at a prompt with the keys of readline, and while a program
 * reads with those of the kernel's N_TTY in canonical mode. NOT MODELLED: raw mode, ^S, ^Q, ^Z, ^\, ^V, completion;
 * characters that are not one column wide.
 */
export interface LineState {
  readonly keys: KeyDecoder;
  mode: 'edit' | 'canonical';
  /** What stands in front of the line, at a prompt. */
  prompt: string;
  /** Characters of the line. */
  text: string[];
  /** Where the next one goes, in characters. */
  cursor: number;
  /** What ^Y gives back: the last that ^U, ^K or ^W cut. */
  cut: string[];
  /** Place in the history that is shown; that of the new line is behind the last. */
  historyAt: number;
  /** The new line, while an old one is shown. */
  draft: string[];
  /** The last byte was CR: a LF behind it belongs to it. */
  afterReturn: boolean;
  /** Width of the terminal. */
  columns: number;
}

/** What a key amounts to for whoever reads: a line without its end, bytes, the end of input, or SIGINT. */
export type LineEvent =
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'data'; readonly text: string }
  | { readonly type: 'end' }
  | { readonly type: 'interrupt' };

/** What typing led to. */
export interface Typed {
  /** For the screen. */
  readonly shown: string;
  /** Bytes that were taken; those behind an event are left for whoever answers it. */
  readonly consumed: number;
  readonly event?: LineEvent;
}

/** Characters of a line (N_TTY_BUF_SIZE without the line end); more are dropped with a bell. */
export const LINE_MAX = 4095;
const BELL = '\x07';
const LF = 0x0a;
const CR = 0x0d;
const DEL = 0x7f;
const ctrl = (letter: string): number => letter.charCodeAt(0) & 0x1f;

/** A terminal that does not know its width says 0, or nothing. */
export const knownColumns = (columns: number | undefined): number => columns || 80;

export const createLine = (columns?: number): LineState => ({
  keys: createKeyDecoder(),
  mode: 'edit',
  prompt: '',
  text: [],
  cursor: 0,
  cut: [],
  historyAt: 0,
  draft: [],
  afterReturn: false,
  columns: knownColumns(columns),
});

/** A new line at a prompt: shows the prompt. */
export function startLine(state: LineState, prompt: string, historyLength: number): string {
  Object.assign(state, { mode: 'edit', prompt, historyAt: historyLength, draft: [] });
  clearLine(state);
  return prompt;
}

/** A program reads from now on. */
export function startReading(state: LineState): void {
  state.mode = 'canonical';
  clearLine(state);
}

/** Takes bytes up to the first event. `history` holds the lines that the arrows bring back, oldest first. */
export function typeBytes(state: LineState, bytes: Uint8Array, history: readonly string[]): Typed {
  let shown = '';
  for (const [i, byte] of bytes.entries()) {
    const second = state.afterReturn && byte === LF;
    state.afterReturn = byte === CR;
    if (second) continue;
    for (const key of decodeKey(state.keys, byte)) {
      const effect = state.mode === 'edit' ? editKey(state, key, history) : canonicalKey(state, key);
      shown += effect.shown;
      if (effect.event) return { shown, consumed: i + 1, event: effect.event };
    }
  }
  return { shown, consumed: bytes.length };
}

interface Effect {
  readonly shown: string;
  readonly event?: LineEvent;
}

const silent: Effect = { shown: '' };
const bell: Effect = { shown: BELL };

function clearLine(state: LineState): void {
  state.text = [];
  state.cursor = 0;
}

// At a prompt: readline with Emacs keys.

function editKey(state: LineState, key: Key, history: readonly string[]): Effect {
  switch (key.type) {
    case 'text':
      return insert(state, [key.text]);
    case 'named':
      return namedKey(state, key.name, history);
    case 'control':
      return editControl(state, key.code, history);
  }
}

function namedKey(
  state: LineState,
  name: (Key & { type: 'named' })['name'],
  history: readonly string[],
): Effect {
  switch (name) {
    case 'up':
      return recall(state, state.historyAt - 1, history);
    case 'down':
      return recall(state, state.historyAt + 1, history);
    case 'left':
      return moveTo(state, state.cursor - 1);
    case 'right':
      return moveTo(state, state.cursor + 1);
    case 'home':
      return moveTo(state, 0);
    case 'end':
      return moveTo(state, state.text.length);
    case 'word-left':
      return moveTo(state, wordStart(state, isWordCharacter));
    case 'word-right':
      return moveTo(state, wordEnd(state));
    case 'delete':
      return remove(state, state.cursor, state.cursor + 1);
    case 'delete-word':
      return cut(state, state.cursor, wordEnd(state));
    case 'unknown':
      return silent;
  }
}

function editControl(state: LineState, code: number, history: readonly string[]): Effect {
  const { cursor, text } = state;
  switch (code) {
    case LF:
    case CR:
      return endLine(state, { type: 'line', text: text.join('') });
    case ctrl('C'):
      return endLine(state, { type: 'interrupt' }, '^C');
    case ctrl('D'):
      if (text.length === 0) return { shown: '', event: { type: 'end' } };
      return remove(state, cursor, cursor + 1);
    case DEL:
    case ctrl('H'):
      return remove(state, cursor - 1, cursor);
    case ctrl('U'):
      return cut(state, 0, cursor);
    case ctrl('K'):
      return cut(state, cursor, text.length);
    case ctrl('W'):
      return cut(state, wordStart(state, isNoBlank), cursor);
    case ctrl('Y'):
      return insert(state, state.cut);
    case ctrl('A'):
      return moveTo(state, 0);
    case ctrl('E'):
      return moveTo(state, text.length);
    case ctrl('B'):
      return moveTo(state, cursor - 1);
    case ctrl('F'):
      return moveTo(state, cursor + 1);
    case ctrl('P'):
      return recall(state, state.historyAt - 1, history);
    case ctrl('N'):
      return recall(state, state.historyAt + 1, history);
    case ctrl('L'):
      return { shown: `\x1b[H\x1b[2J${lineText(state)}${cursorFromEnd(state)}` };
    case ctrl('I'):
      return bell; // completes nothing
    default:
      return silent;
  }
}

/** Leaves the line with the cursor behind it. */
function endLine(state: LineState, event: LineEvent, mark = ''): Effect {
  const shown = `${moveCursor(state, state.cursor, state.text.length)}${mark}\r\n`;
  clearLine(state);
  return { shown, event };
}

function insert(state: LineState, characters: readonly string[]): Effect {
  const { text, cursor } = state;
  const added = characters.slice(0, LINE_MAX - text.length);
  if (added.length < characters.length || added.length === 0) return bell;
  const rest = text.slice(cursor);
  state.text = [...text.slice(0, cursor), ...added, ...rest];
  state.cursor = cursor + added.length;
  return { shown: write(state, added.join('') + rest.join('')) + cursorFromEnd(state) };
}

/** Deletes characters from one place up to another; a bell where there are none. */
function remove(state: LineState, from: number, to: number): Effect {
  const { text, cursor } = state;
  if (from < 0 || from >= text.length || to <= from) return bell;
  const back = moveCursor(state, cursor, from);
  state.text = [...text.slice(0, from), ...text.slice(to)];
  state.cursor = from;
  const rest = state.text.slice(from).join('');
  return { shown: `${back}${write(state, rest)}\x1b[J${cursorFromEnd(state)}` };
}

/** As remove(), and ^Y gives it back. */
function cut(state: LineState, from: number, to: number): Effect {
  if (to <= from) return bell;
  state.cut = state.text.slice(from, to);
  return remove(state, from, to);
}

function moveTo(state: LineState, place: number): Effect {
  if (place < 0 || place > state.text.length) return bell;
  const shown = moveCursor(state, state.cursor, place);
  state.cursor = place;
  return { shown };
}

function recall(state: LineState, place: number, history: readonly string[]): Effect {
  if (place < 0 || place > history.length) return bell;
  if (state.historyAt >= history.length) state.draft = state.text;
  const back = moveCursor(state, state.cursor, 0);
  state.text = place >= history.length ? state.draft : [...(history[place] ?? '')];
  state.cursor = state.text.length;
  state.historyAt = place;
  return { shown: `${back}${write(state, state.text.join(''))}\x1b[J` };
}

const isWordCharacter = (character: string): boolean => /[\p{L}\p{N}]/u.test(character);
const isNoBlank = (character: string): boolean => character !== ' ';

function wordStart({ text, cursor }: LineState, belongs: (character: string) => boolean): number {
  let at = cursor;
  while (at > 0 && !belongs(text[at - 1]!)) at--;
  while (at > 0 && belongs(text[at - 1]!)) at--;
  return at;
}

function wordEnd({ text, cursor }: LineState): number {
  let at = cursor;
  while (at < text.length && !isWordCharacter(text[at]!)) at++;
  while (at < text.length && isWordCharacter(text[at]!)) at++;
  return at;
}

const lineText = (state: LineState): string => write(state, state.prompt + state.text.join(''));

const cursorFromEnd = (state: LineState): string => moveCursor(state, state.text.length, state.cursor);

/**
 * Shows the end of the line. Behind the last column a terminal waits until another character comes; this moves it to
 * the next row at once.
 */
const write = ({ prompt, text, columns }: LineState, end: string): string =>
  end !== '' && (prompt.length + text.length) % columns === 0 ? `${end}\r\n` : end;

/** From one place of the line to another, over the rows that it takes. */
function moveCursor({ prompt, columns }: LineState, from: number, to: number): string {
  const row = (place: number): number => Math.floor((prompt.length + place) / columns);
  const column = (place: number): number => (prompt.length + place) % columns;
  const rows = row(to) - row(from);
  const vertical = rows === 0 ? '' : rows < 0 ? `\x1b[${-rows}A` : `\x1b[${rows}B`;
  const steps = column(to) - column(from);
  if (steps < 0) return vertical + (steps > -4 ? '\b'.repeat(-steps) : `\x1b[${-steps}D`);
  return vertical + (steps === 0 ? '' : `\x1b[${steps}C`);
}

// While a program reads: N_TTY in canonical mode with ECHO, ECHOE, ECHOK, ECHOKE and ECHOCTL, as stty(1) calls "sane".

function canonicalKey(state: LineState, key: Key): Effect {
  if (key.type === 'named') return silent;
  if (key.type === 'text') return keep(state, key.text, key.text);
  const { text } = state;
  switch (key.code) {
    case LF:
    case CR:
      return endReading(state, { type: 'data', text: `${text.join('')}\n` }, '\r\n');
    case ctrl('C'):
      return endReading(state, { type: 'interrupt' }, '^C\r\n');
    case ctrl('D'):
      if (text.length === 0) return { shown: '', event: { type: 'end' } };
      return endReading(state, { type: 'data', text: text.join('') }, '');
    case DEL:
      return erase(state, text.length - 1);
    case ctrl('U'):
      return erase(state, 0);
    case ctrl('W'):
      return erase(state, wordStart({ ...state, cursor: text.length }, isWordCharacter));
    case ctrl('R'):
      return { shown: `^R\r\n${text.map(echoOf).join('')}` };
    case ctrl('I'):
      return keep(state, '\t', ' ');
    default:
      return keep(state, String.fromCharCode(key.code), echoOf(String.fromCharCode(key.code)));
  }
}

function endReading(state: LineState, event: LineEvent, shown: string): Effect {
  clearLine(state);
  return { shown, event };
}

function keep(state: LineState, character: string, shown: string): Effect {
  if (state.text.length >= LINE_MAX) return bell;
  state.text = [...state.text, character];
  return { shown };
}

function erase(state: LineState, from: number): Effect {
  if (from < 0) return silent;
  const width = state.text.slice(from).reduce((sum, character) => sum + [...echoOf(character)].length, 0);
  state.text = state.text.slice(0, from);
  return { shown: '\b \b'.repeat(width) };
}

/** ECHOCTL: ^X for control characters. A tab is shown as one blank. */
function echoOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === '\t') return ' ';
  return code < 0x20 ? `^${String.fromCharCode(code + 0x40)}` : character;
}
