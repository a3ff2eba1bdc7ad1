import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly entry?: { readonly text: string };
    readonly request?: { readonly url: string };
  };
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** A page in a Chromium without a window, driven through the pipe of its debugging protocol. */
export class HeadlessPage {
  /** What the browser complains of, such as a policy that is violated. */
  readonly complaints: string[] = [];
  /** Addresses that the page asked for. */
  readonly requests: string[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'sevlab-browser-'));
  readonly #browser: ChildProcess;
  readonly #input: Writable;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #session: string | undefined;
  #next = 1;
  #rest = '';

  constructor() {
    const options = ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe'];
    this.#browser = spawn('chromium', [...options, `--user-data-dir=${this.#folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    this.#input = this.#browser.stdio[3] as Writable; // as asked for
    (this.#browser.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => this.#take(text));
  }

  /** Opens a page and waits until its scripts have run. */
  async open(url: string): Promise<void> {
    const { targetId } = await this.#ask('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#ask('Target.attachToTarget', { targetId, flatten: true });
    this.#session = String(sessionId);
    await this.#ask('Log.enable', {});
    await this.#ask('Network.enable', {});
    await this.#ask('Page.navigate', { url });
    while ((await this.value('document.readyState')) !== 'complete')
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** What an expression is on the page. */
  async value(expression: string): Promise<unknown> {
    const { result } = await this.#ask('Runtime.evaluate', { expression, returnByValue: true });
    return Object(result).value;
  }

  /** Presses and releases a key; text is what it types. */
  async press(key: string): Promise<void> {
    const text = key.length === 1 ? key : key === 'Enter' ? '\r' : undefined;
    await this.#ask('Input.dispatchKeyEvent', { type: 'keyDown', key, ...(text && { text }) });
    await this.#ask('Input.dispatchKeyEvent', { type: 'keyUp', key });
  }

  async type(text: string): Promise<void> {
    for (const letter of text) await this.press(letter);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#browser.once('exit', resolve));
    this.#session = undefined;
    await Promise.all([ended, this.#ask('Browser.close', {})]);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  #ask(method: string, params: object): Promise<Readonly<Record<string, unknown>>> {
    const id = this.#next++;
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#input.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result ?? {}),
      );
    });
  }

  #take(text: string): void {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop() ?? '';
    for (const message of messages.map((each): Message => JSON.parse(each))) {
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
      if (message.method === 'Log.entryAdded') this.complaints.push(message.params?.entry?.text ?? '');
      if (message.method === 'Network.requestWillBeSent')
        this.requests.push(message.params?.request?.url ?? '');
    }
  }
}
