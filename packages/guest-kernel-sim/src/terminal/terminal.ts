import { concat, utf8 } from '@sevlab/codec/bytes';
import type { Account } from '../accounts.ts';
import type { Kernel } from '../kernel.ts';
import { type Job, startJob } from '../shell/job.ts';
import { INTERRUPTED_STATUS } from '../shell/limits.ts';
import { Screen } from '../shell/screen.ts';
import { createSession, currentLogin, endLogin, promptOf, remember, type Session } from '../shell/session.ts';
import { Keyboard } from './keyboard.ts';
import {
  createLine,
  knownColumns,
  type LineEvent,
  type LineState,
  startLine,
  startReading,
  typeBytes,
} from './line-discipline.ts';

/** A terminal and the shell on it, as plain data. */
export interface TerminalState {
  readonly session: Session;
  readonly line: LineState;
}

/** What came of bytes that were typed. */
export interface TypedLine {
  /** For the screen. */
  readonly shown: Uint8Array;
  /** Bytes that were taken. */
  readonly consumed: number;
}

/** `columns`: width, 80 unless given; `account`: who types, root unless given. */
export const createTerminalState = (columns?: number, account?: Account): TerminalState => ({
  session: createSession(account),
  line: createLine(columns),
});

/**
 * A terminal with the guest's shell on it: bytes from the keyboard in, bytes for the screen out. A command runs until it
 * ends or waits for input, so while one runs nothing is typed.
 */
export class Terminal {
  readonly state: TerminalState;
  readonly #kernel: Kernel;
  readonly #others: () => Uint8Array;
  #running: (Job & { readonly keyboard: Keyboard }) | undefined;

  /** `others` gives what somebody else wrote to the screen since it was asked: it stands in front of what a command shows. */
  constructor(
    kernel: Kernel,
    state: TerminalState = createTerminalState(),
    others: () => Uint8Array = () => new Uint8Array(),
  ) {
    this.#kernel = kernel;
    this.#others = others;
    this.state = state;
  }

  /** Exit status of the session, once it is over; then nothing that is typed has an effect. */
  get ended(): number | undefined {
    return this.state.session.ended;
  }

  /** A program waits for input. It is no part of `state`, so this is no moment to copy that. */
  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** The terminal has another width from now on, in columns; 0 where nobody knows. */
  resize(columns: number): void {
    this.state.line.columns = knownColumns(columns);
  }

  /** Shows the first prompt. */
  start(): Uint8Array {
    return utf8(this.#prompt());
  }

  /** Types bytes; answers what the screen shows. Bytes may come in any portions. */
  type(bytes: Uint8Array): Uint8Array {
    const shown: Uint8Array[] = [];
    for (let at = 0; at < bytes.length && this.ended === undefined; ) {
      const typed = this.typeLine(bytes.subarray(at));
      at += typed.consumed;
      shown.push(typed.shown);
    }
    return concat(...shown);
  }

  /** Types bytes as far as the first that somebody answers to, as at the end of a line. */
  typeLine(bytes: Uint8Array): TypedLine {
    const { line, session } = this.state;
    const { shown, consumed, event } = typeBytes(line, bytes, currentLogin(session).history);
    return { shown: concat(utf8(shown), ...(event ? this.#answer(event) : [])), consumed };
  }

  #prompt(): string {
    const { line, session } = this.state;
    return startLine(line, promptOf(session), currentLogin(session).history.length);
  }

  #answer(event: LineEvent): Uint8Array[] {
    const { session } = this.state;
    switch (event.type) {
      case 'line':
        return this.#start(event.text);
      case 'data':
        return this.#input(utf8(event.text));
      case 'end':
        if (this.#running !== undefined) return this.#input(new Uint8Array(0));
        endLogin(session, session.status);
        return [utf8(`exit\r\n${this.ended === undefined ? this.#prompt() : ''}`)];
      case 'interrupt':
        this.#running?.work.return(INTERRUPTED_STATUS);
        this.#running = undefined;
        session.status = INTERRUPTED_STATUS;
        return [utf8(this.#prompt())];
    }
  }

  #start(command: string): Uint8Array[] {
    const { session, line } = this.state;
    if (command.trim() === '') return [utf8(this.#prompt())];
    remember(session, command);
    const keyboard = new Keyboard();
    const screen = new Screen(line.columns);
    const job = startJob(this.#kernel, session, command, { stdin: keyboard, screen, interactive: true });
    this.#running = { ...job, keyboard };
    return this.#goOn();
  }

  #input(bytes: Uint8Array): Uint8Array[] {
    this.#running?.keyboard.type(bytes);
    this.#running?.steps.restart();
    return this.#goOn();
  }

  /** Lets the command run until it ends or waits for input. */
  #goOn(): Uint8Array[] {
    if (this.#running === undefined) return [];
    const { work, screen } = this.#running;
    for (;;) {
      const { done, value } = work.next();
      if (done === true) this.#running = undefined;
      else if (value !== 'input') continue;
      const shown = concat(this.#others(), withReturns(screen.takeNew()));
      if (done !== true) {
        if (this.state.line.mode === 'edit') startReading(this.state.line);
        return [shown];
      }
      return [shown, utf8(this.ended === undefined ? this.#prompt() : '')];
    }
  }
}

/** ONLCR: a line end becomes CR LF. */
function withReturns(bytes: Uint8Array): Uint8Array {
  const lines = bytes.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);
  const out = new Uint8Array(bytes.length + lines);
  let at = 0;
  for (const byte of bytes) {
    if (byte === 0x0a) out[at++] = 0x0d;
    out[at++] = byte;
  }
  return out;
}
