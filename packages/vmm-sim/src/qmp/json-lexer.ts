import { concat } from '@sevlab/codec/bytes';

/** What a client's bytes consist of; `stray` is a character that no token goes on with, and what came before it. */
export type TokenType =
  | '{'
  | '}'
  | '['
  | ']'
  | ':'
  | ','
  | 'integer'
  | 'float'
  | 'keyword'
  | 'string'
  | 'stray'
  | 'too long';

export interface Token {
  readonly type: TokenType;
  readonly bytes: Uint8Array;
  /** How many bytes of the piece that came last are read with it. */
  readonly end: number;
}

/** No token may have more bytes (QEMU, qobject/json-lexer.c). */
const TOKEN_MAX = 64 << 20;

/** How far a token has come. `recovery`: nothing is read until a message could start, after something stray. */
type State =
  | 'start'
  | 'recovery'
  | 'double quote'
  | 'double quote escape'
  | 'single quote'
  | 'single quote escape'
  | 'minus'
  | 'zero'
  | 'natural'
  | 'point'
  | 'fraction'
  | 'e'
  | 'e sign'
  | 'exponent'
  | 'keyword'
  | 'blank';

/** What a byte does: goes on, ends a token with itself, ends one before itself, or is stray. */
type Move =
  | { readonly to: State }
  | { readonly token: TokenType }
  | { readonly before: TokenType | 'nothing' }
  | 'stray';

/** Bytes from the first to the last of `range`, or those in a text. */
type Row = readonly [string | readonly [number, number], Move];

const ANY_IN_STRING = [0x20, 0xfd] as const;
const DIGIT = [0x30, 0x39] as const;
const go = (to: State): Move => ({ to });
const STRUCTURE: readonly TokenType[] = ['{', '}', '[', ']', ':', ','];

/** Rows of a state; the later one of two that fit counts. What no row fits is stray, or ends the token (`otherwise`). */
const RULES: Readonly<Record<State, { readonly rows: readonly Row[]; readonly otherwise?: Move }>> = {
  start: {
    rows: [
      ...STRUCTURE.map((token): Row => [token, { token }]),
      ['"', go('double quote')],
      ["'", go('single quote')],
      ['-', go('minus')],
      [DIGIT, go('natural')],
      ['0', go('zero')],
      [[0x61, 0x7a], go('keyword')],
      [' \t\r\n', go('blank')],
    ],
  },
  recovery: {
    rows: [
      [[0x20, 0xfd], go('recovery')],
      ['\t', go('recovery')],
      [STRUCTURE.join(''), { before: 'nothing' }],
    ],
    otherwise: { before: 'nothing' },
  },
  'double quote': {
    rows: [
      [ANY_IN_STRING, go('double quote')],
      ['\\', go('double quote escape')],
      ['"', { token: 'string' }],
    ],
  },
  'double quote escape': { rows: [[ANY_IN_STRING, go('double quote')]] },
  'single quote': {
    rows: [
      [ANY_IN_STRING, go('single quote')],
      ['\\', go('single quote escape')],
      ["'", { token: 'string' }],
    ],
  },
  'single quote escape': { rows: [[ANY_IN_STRING, go('single quote')]] },
  minus: {
    rows: [
      [DIGIT, go('natural')],
      ['0', go('zero')],
    ],
  },
  zero: {
    rows: [
      [DIGIT, 'stray'],
      ['.', go('point')],
    ],
    otherwise: { before: 'integer' },
  },
  natural: {
    rows: [
      [DIGIT, go('natural')],
      ['eE', go('e')],
      ['.', go('point')],
    ],
    otherwise: { before: 'integer' },
  },
  point: { rows: [[DIGIT, go('fraction')]] },
  fraction: {
    rows: [
      [DIGIT, go('fraction')],
      ['eE', go('e')],
    ],
    otherwise: { before: 'float' },
  },
  e: {
    rows: [
      ['+-', go('e sign')],
      [DIGIT, go('exponent')],
    ],
  },
  'e sign': { rows: [[DIGIT, go('exponent')]] },
  exponent: { rows: [[DIGIT, go('exponent')]], otherwise: { before: 'float' } },
  keyword: { rows: [[[0x61, 0x7a], go('keyword')]], otherwise: { before: 'keyword' } },
  blank: { rows: [[' \t\r\n', go('blank')]], otherwise: { before: 'nothing' } },
};

/** For each state what each of the 256 bytes does. */
const MOVES: ReadonlyMap<string, readonly Move[]> = new Map(
  Object.entries(RULES).map(([state, { rows, otherwise = 'stray' }]) => {
    const moves = new Array<Move>(256).fill(otherwise);
    for (const [bytes, move] of rows) {
      if (typeof bytes === 'string') for (const byte of bytes) moves[byte.charCodeAt(0)] = move;
      else moves.fill(move, bytes[0], bytes[1] + 1);
    }
    return [state, moves];
  }),
);

/** What has been read of a token that is not at its end; plain data. */
export interface LexerState {
  state: State;
  /** Bytes in the order in which they came. */
  pending: Uint8Array[];
  /** How many they are. */
  length: number;
}

export const createLexer = (): LexerState => ({ state: 'start', pending: [], length: 0 });

/** Reads what came, in any pieces, as QEMU does (7.2, qobject/json-lexer.c). Anything goes in: it never throws. */
export function* readTokens(lexer: LexerState, input: Uint8Array): Generator<Token> {
  let start = 0;
  const take = (end: number, type: TokenType): Token => {
    const bytes =
      lexer.length === 0 ? input.slice(start, end) : concat(...lexer.pending, input.subarray(start, end));
    drop(end);
    return { type, bytes, end };
  };
  const drop = (end: number): void => {
    lexer.pending = [];
    lexer.length = 0;
    start = end;
  };
  for (let at = 0; at < input.length; ) {
    const move = MOVES.get(lexer.state)![input[at]!]!; // every state has 256 of them
    if (move === 'stray') {
      at++;
      lexer.state = 'recovery';
      yield take(at, 'stray');
    } else if ('to' in move) {
      at++;
      lexer.state = move.to;
      if (move.to === 'recovery' || move.to === 'blank') drop(at);
      else if (lexer.length + at - start > TOKEN_MAX) {
        lexer.state = 'start';
        yield take(at, 'too long');
      }
    } else if ('token' in move) {
      at++;
      lexer.state = 'start';
      yield take(at, move.token);
    } else {
      lexer.state = 'start';
      if (move.before === 'nothing') drop(at);
      else yield take(at, move.before);
    }
  }
  if (start === input.length) return;
  lexer.pending.push(input.slice(start));
  lexer.length += input.length - start;
}
