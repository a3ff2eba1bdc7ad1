import { fillForm } from '@sevlab/codec/message-form';
import { createLexer, type LexerState, readTokens, type Token } from './json-lexer.ts';
import { JsonError, parseTokens } from './json-parser.ts';
import { decodeDamagedText } from './json-text.ts';
import type { JsonValue } from './json-value.ts';
import { QMP_MESSAGES } from './qmp-messages.ts';

// QEMU 7.2, qobject/json-streamer.c.
const MESSAGE_BYTES_MAX = 64 << 20;
const MESSAGE_TOKENS_MAX = 2 << 20;
const NESTING_MAX = 1024;

/** Where a message ends: nobody waits for a line's end, but for as many braces and brackets to close as were opened. */
export interface ReaderState {
  readonly lexer: LexerState;
  tokens: Token[];
  /** Bytes of these. */
  size: number;
  braces: number;
  brackets: number;
}

export const createReader = (): ReaderState => ({
  lexer: createLexer(),
  ...{ tokens: [], size: 0, braces: 0, brackets: 0 },
});

/** A message, or why there is none. */
type Content = { readonly message: JsonValue } | { readonly error: string };

/** What was read, and how many bytes of the piece that came last are read with it. */
export type Received = Content & { readonly end: number };

/** What a client's bytes, in any pieces, say. Nothing that comes in makes it throw. */
export function* readMessages(reader: ReaderState, input: Uint8Array): Generator<Received> {
  for (const token of readTokens(reader.lexer, input)) {
    const received = take(reader, token);
    if (received === undefined) continue;
    Object.assign(reader, { tokens: [], size: 0, braces: 0, brackets: 0 });
    yield { ...received, end: token.end };
  }
}

function take(reader: ReaderState, token: Token): Content | undefined {
  const { type, bytes } = token;
  if (type === 'stray')
    return {
      error: fillForm(QMP_MESSAGES['no JSON'], { why: `stray '${decodeDamagedText(cString(bytes))}'` }),
    };
  if (type === '{') reader.braces++;
  if (type === '}') reader.braces--;
  if (type === '[') reader.brackets++;
  if (type === ']') reader.brackets--;
  if (type === 'too long' || reader.size + bytes.length + 1 > MESSAGE_BYTES_MAX)
    return { error: QMP_MESSAGES['too long'] };
  if (reader.tokens.length + 1 > MESSAGE_TOKENS_MAX) return { error: QMP_MESSAGES['too many tokens'] };
  if (reader.braces + reader.brackets > NESTING_MAX) return { error: QMP_MESSAGES['too deep'] };
  reader.tokens.push(token);
  reader.size += bytes.length;
  const open = reader.braces > 0 || reader.brackets > 0;
  return open && reader.braces >= 0 && reader.brackets >= 0 ? undefined : parse(reader.tokens);
}

/** What printf(3) takes for `%s`. */
const cString = (bytes: Uint8Array): Uint8Array => {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
};

function parse(tokens: readonly Token[]): Content {
  try {
    return { message: parseTokens(tokens) };
  } catch (error) {
    if (error instanceof JsonError)
      return { error: fillForm(QMP_MESSAGES['no JSON'], { why: error.message }) };
    throw error;
  }
}
