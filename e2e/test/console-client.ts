import { connect, type Socket } from 'node:net';

/** Milliseconds to wait for something to be shown. */
const PATIENCE = 10_000;

/** Somebody at the guest's console. */
export class ConsoleClient {
  readonly #socket: Socket;
  #screen = '';
  #closed = false;
  #look: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#screen += bytes.toString('utf8');
      this.#look?.();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#closed = true;
      this.#look?.();
    });
  }

  static async open(path: string): Promise<ConsoleClient> {
    const socket = connect(path);
    const client = new ConsoleClient(socket);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return client;
  }

  /** Everything that was shown and not yet taken by shows(). */
  get screen(): string {
    return this.#screen;
  }

  get closed(): boolean {
    return this.#closed;
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Takes what is shown up to and with `text`; waits for it. Throws when it does not come. */
  async shows(text: string): Promise<string> {
    await this.#until(() => this.#screen.includes(text), `'${text}' is not shown`);
    const end = this.#screen.indexOf(text) + text.length;
    const shown = this.#screen.slice(0, end);
    this.#screen = this.#screen.slice(end);
    return shown;
  }

  /** Types a line, and answers what is shown up to the next prompt. */
  async type(line: string, prompt = '\r\n# '): Promise<string> {
    this.write(`${line}\r`);
    await this.shows(`${line}\r\n`);
    if (this.#screen.startsWith(prompt.slice(2))) return this.shows(prompt.slice(2));
    return this.shows(prompt);
  }

  async logIn(name: string, prompt = '# '): Promise<void> {
    await this.shows('guest login: ');
    this.write(`${name}\r`);
    await this.shows(`${name}\r\n${prompt}`);
  }

  async whenClosed(): Promise<void> {
    await this.#until(() => this.#closed, 'the console is not closed');
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  async #until(there: () => boolean, complaint: string): Promise<void> {
    if (there()) return;
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${complaint}: ${JSON.stringify(this.#screen.slice(-300))}`)),
        PATIENCE,
      );
      this.#look = () => {
        if (!there()) return;
        clearTimeout(late);
        resolve();
      };
    });
  }
}
