import { concat, utf8 } from '@sevlab/codec/bytes';
import { NODE_NAME } from '../coreutils/uname.ts';
import type { Kernel } from '../kernel.ts';
import { nameService } from '../name-service.ts';
import { formatLogLine, LOG_LEVEL } from '../printk.ts';
import { ROOT } from '../user.ts';
import {
  createLine,
  knownColumns,
  type LineEvent,
  type LineState,
  startReading,
  typeBytes,
} from './line-discipline.ts';
import { createTerminalState, Terminal, type TypedLine } from './terminal.ts';

/** Only what is graver than this reaches the console (CONSOLE_LOGLEVEL_DEFAULT). */
const CONSOLE_LOG_LEVEL = LOG_LEVEL.debug;
const LINE = 'ttyS0';

/**
 * The guest's end of its first serial line: the kernel's log, then somebody who asks for a name, then that account's
 * shell; when that ends, the question again. NOT MODELLED: what OVMF writes there, and `console=` of the command line.
 */
export class SerialConsole {
  readonly #kernel: Kernel;
  readonly #login: LineState;
  #terminal: Terminal | undefined;
  /** Lines of the kernel's log that were written. */
  #logged = 0;

  /** `columns`: width of the terminal at the other end, 80 unless given. */
  constructor(kernel: Kernel, columns?: number) {
    this.#kernel = kernel;
    this.#login = createLine(columns);
  }

  /** What stands there once the guest has booted. */
  start(): Uint8Array {
    return concat(this.#newLog(), utf8(this.#ask()));
  }

  /** The terminal at the other end has another width from now on, in columns; 0 where nobody knows. */
  resize(columns: number): void {
    this.#login.columns = knownColumns(columns);
    this.#terminal?.resize(columns);
  }

  /** Takes bytes as far as the first that somebody answers to. */
  type(bytes: Uint8Array): TypedLine {
    if (this.#terminal === undefined) {
      const { shown, consumed, event } = typeBytes(this.#login, bytes, []);
      return { shown: utf8(shown + (event ? this.#answer(event) : '')), consumed };
    }
    const { shown, consumed } = this.#terminal.typeLine(bytes);
    if (this.#terminal.ended === undefined) return { shown, consumed };
    this.#terminal = undefined;
    return { shown: concat(shown, utf8(this.#ask())), consumed };
  }

  /** What agetty(8) writes: a line about the system, and its question. */
  #ask(): string {
    return `\r\nLinux ${this.#kernel.state.profile.release} ${NODE_NAME} ${LINE}\r\n\r\n${this.#askName()}`;
  }

  #askName(): string {
    startReading(this.#login);
    return `${NODE_NAME} login: `;
  }

  /**
   * login(1). DEVIATION: whoever has an account is let in, as by `login -f`; every password is locked, so that no other
   * would be.
   */
  #answer(event: LineEvent): string {
    if (event.type !== 'data') return this.#ask();
    const name = event.text.trim();
    if (name === '') return this.#askName();
    const account = nameService(this.#kernel.as(ROOT)).findAccount(name);
    if (account?.name !== name) return `\r\nLogin incorrect\r\n\r\n${this.#askName()}`;
    const state = createTerminalState(this.#login.columns, account);
    this.#terminal = new Terminal(this.#kernel, state, () => this.#newLog());
    return new TextDecoder().decode(this.#terminal.start());
  }

  #newLog(): Uint8Array {
    const { log } = this.#kernel.state;
    const lines = log.slice(this.#logged).filter(({ level }) => LOG_LEVEL[level] < CONSOLE_LOG_LEVEL);
    this.#logged = log.length;
    return utf8(lines.map((line) => `${formatLogLine(line)}\r\n`).join(''));
  }
}
