import { Broken, type Trial } from './door.ts';

/** Why a case fails. Two failures of a door with the same signature are one. */
export interface Failure {
  readonly kind: 'broken' | 'crash' | 'hang' | 'death';
  readonly signature: string;
  readonly message: string;
}

export type Verdict =
  | { readonly outcome: string; readonly failure?: never }
  | { readonly failure: Failure; readonly outcome?: never };

/** Runs a case to its end. */
export function judge({ run }: Trial): Verdict {
  try {
    return { outcome: run() };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof Broken)
    return { kind: 'broken', signature: `broken: ${error.property}`, message: error.message };
  const {
    name,
    message,
    stack = '',
  } = error instanceof Error ? error : { name: typeof error, message: String(error) };
  return { kind: 'crash', signature: `crash: ${name} in ${placeIn(stack)}`, message: `${name}: ${message}` };
}

/** The function of ours in which it was thrown; lines differ between builds, names do not. */
function placeIn(stack: string): string {
  for (const line of stack.split('\n')) {
    const [, name, file] = /^\s+at (?:async )?(.+?) \(((?!node:).*)\)$/.exec(line) ?? [];
    if (name !== undefined && file !== '<anonymous>') return name;
  }
  return 'a place without a name';
}

/** A case that did not end in time. Milliseconds. */
export const hang = (limit: number): Failure => ({
  kind: 'hang',
  signature: 'hang',
  message: `it did not end within ${limit} ms`,
});

/** A case that ended its thread. */
export const death = (reason: string): Failure => ({
  kind: 'death',
  signature: `death: ${reason.replace(/\d+/g, 'N')}`,
  message: `the thread ended: ${reason}`,
});

/** Errors that the engine gives for too much recursion or memory: never an answer to a bad input. */
const NO_ANSWER =
  /call stack|[Ii]nvalid (array|typed array|string) length|allocation failed|outside the bounds/;

/** Whether an error is one that says what was expected, as a refusal of bad input does. */
export const isRefusal = (error: unknown): error is Error =>
  error instanceof Error && /expected/.test(error.message) && !NO_ANSWER.test(error.message);

/** What came of something that may refuse its input: `taken`, or the error's name. Throws what is no refusal. */
export function attempted(act: () => unknown, refusal: (error: unknown) => boolean = isRefusal): string {
  try {
    act();
    return 'taken';
  } catch (error) {
    if (refusal(error) && error instanceof Error) return `refused: ${error.name}`;
    throw error;
  }
}
