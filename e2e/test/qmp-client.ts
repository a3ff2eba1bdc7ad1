import { connect, type Socket } from 'node:net';

/** What a server sent: an answer, an event, or a greeting. */
export type QmpMessage = Readonly<Record<string, unknown>>;

/** A client of QMP that knows nothing of sevlab. */
export class QmpClient {
  readonly #socket: Socket;
  readonly #messages: QmpMessage[] = [];
  readonly #waiting: ((message: QmpMessage | undefined) => void)[] = [];
  #rest = '';
  #ended = false;
  readonly events: QmpMessage[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#arrived(bytes.toString('latin1')));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#ended = true;
      for (const resolve of this.#waiting.splice(0)) resolve(undefined);
    });
  }

  /** Connects, and takes the greeting once it is this client's turn. */
  static async open(path: string): Promise<QmpClient> {
    const client = new QmpClient(connect(path));
    await client.next();
    return client;
  }

  /** Connects, and is ready for commands. */
  static async negotiated(path: string): Promise<QmpClient> {
    const client = await QmpClient.open(path);
    await client.ask('qmp_capabilities');
    return client;
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The value of `return`, or the error. Events before it are kept. */
  async ask(execute: string, args: Record<string, unknown> = {}): Promise<unknown> {
    this.write(JSON.stringify({ execute, arguments: args }));
    for (;;) {
      const message = await this.next();
      if (message === undefined) return undefined;
      if ('event' in message) this.events.push(message);
      else return message.return ?? message.error;
    }
  }

  /** The next message; undefined when the server has closed. */
  next(): Promise<QmpMessage | undefined> {
    const message = this.#messages.shift();
    if (message !== undefined || this.#ended) return Promise.resolve(message);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #arrived(text: string): void {
    const lines = (this.#rest + text).split('\r\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const message: QmpMessage = JSON.parse(line);
      const waiting = this.#waiting.shift();
      if (waiting) waiting(message);
      else this.#messages.push(message);
    }
  }
}
