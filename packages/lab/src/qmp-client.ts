import { connect, type Socket } from 'node:net';

/** Where a QMP server listens. */
export type QmpPlace =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** A path, `unix:PATH` or `tcp:HOST:PORT`; undefined for anything else. */
export function parseQmpPlace(text: string): QmpPlace | undefined {
  if (!text.startsWith('tcp:')) return { kind: 'unix', path: text.replace(/^unix:/, '') };
  const [, host, port] = /^tcp:(.+):(\d{1,5})$/.exec(text) ?? [];
  return host === undefined ? undefined : { kind: 'tcp', host, port: Number(port) };
}

/** A command that the server refused. */
export class QmpRefusal extends Error {
  constructor(desc: string) {
    super(desc);
    this.name = 'QmpRefusal';
  }
}

/** No conversation came about, or it broke off. */
export class QmpSilence extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'QmpSilence';
  }
}

type Message = Readonly<Record<string, unknown>>;

/** Longer lines are no answer to what is asked here, and neither are more messages than that at once. */
const LINE_MAX = 1 << 20;
const MESSAGES_MAX = 1000;

/** What a host wrote, for a terminal: a host that is not trusted may have put anything into it. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?').slice(0, 300);

/** One conversation with a QMP server, a command at a time. */
export class QmpClient {
  readonly #socket: Socket;
  readonly #timeout: number;
  readonly #messages: Message[] = [];
  #rest = '';
  #failure: string | undefined;
  #wake: () => void = () => {};

  private constructor(socket: Socket, timeout: number) {
    this.#socket = socket;
    this.#timeout = timeout;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#arrived(text));
    socket.on('error', (error) => this.#fail(error.message));
    socket.on('close', () => this.#fail('the connection was closed'));
  }

  /** Whether the other end is on this very machine. */
  get isLocal(): boolean {
    const { localAddress, remoteAddress } = this.#socket;
    return remoteAddress === undefined || remoteAddress === localAddress;
  }

  /**
   * Connects and negotiates. A server serves one client at a time, so the greeting may take its time: `timeout`
   * milliseconds, for it and for each answer. Throws QmpSilence.
   */
  static async open(place: QmpPlace, timeout: number): Promise<QmpClient> {
    const socket =
      place.kind === 'unix' ? connect(place.path) : connect({ host: place.host, port: place.port });
    const client = new QmpClient(socket, timeout);
    try {
      const greeting = await client.#next('a greeting; somebody else may be connected', client.#deadline());
      if (!('QMP' in greeting))
        throw new QmpSilence('expected the greeting of a QMP server, got something else');
      await client.ask('qmp_capabilities');
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** What the server returns. Throws QmpRefusal, QmpSilence. */
  async ask(execute: string, arguments_?: Record<string, unknown>): Promise<unknown> {
    this.#socket.write(`${JSON.stringify({ execute, ...(arguments_ && { arguments: arguments_ }) })}\n`);
    const deadline = this.#deadline();
    for (;;) {
      const message = await this.#next(`an answer to ${execute}`, deadline);
      if ('return' in message) return message.return;
      if ('error' in message) throw new QmpRefusal(descriptionOf(message.error));
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #arrived(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > LINE_MAX) this.#fail('the server sends lines without an end');
    for (const line of lines) {
      const message = parse(line);
      if (message === undefined) this.#fail('the server sends something that is no JSON object');
      else this.#messages.push(message);
    }
    if (this.#messages.length > MESSAGES_MAX) this.#fail('the server sends more than was asked for');
    this.#wake();
  }

  #fail(reason: string): void {
    this.#failure ??= reason;
    this.#socket.destroy();
    this.#wake();
  }

  #deadline(): number {
    return Date.now() + this.#timeout;
  }

  /** Events are passed over by the caller. */
  async #next(expected: string, deadline: number): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#failure !== undefined) throw new QmpSilence(this.#failure);
      const left = deadline - Date.now();
      if (left <= 0) throw new QmpSilence(`expected ${expected}, got nothing in ${this.#timeout / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

function parse(line: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const descriptionOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'desc' in error
    ? printable(String(error.desc))
    : 'without a reason';
