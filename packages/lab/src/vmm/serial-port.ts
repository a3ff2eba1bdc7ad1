import { concat, utf8 } from '@sevlab/codec/bytes';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { SerialConsole } from '@sevlab/guest-kernel-sim/terminal/serial-console';
import type { Endpoint } from '@sevlab/vmm-sim/qemu/chardev';
import { type Client, ClientQueue, type Service } from './client-queue.ts';
import { ESCAPE_HELP, EscapeKeys } from './escape-keys.ts';

/** Bytes that wait for a guest that stands still; those beyond are lost, as behind a UART that nobody reads. */
const INPUT_ROOM = 4096;
/** Bytes that wait for somebody who reads; the oldest are lost. */
const OUTPUT_ROOM = 1 << 16;

/** What a serial port asks and tells the rest of the machine. */
export interface SerialPortHost {
  /** Whether the virtual processors run. */
  isRunning(): boolean;
  /** Somebody at the terminal wants an end. */
  quit(): void;
}

/**
 * The host's end of the guest's serial line. Whoever does not read holds the guest up. DEVIATION: with nobody connected
 * QEMU drops what the guest writes; here the last of it waits, since this guest boots before anybody could come.
 */
export class SerialPort implements Service {
  readonly queue: ClientQueue;
  readonly #host: SerialPortHost;
  readonly #escapes: EscapeKeys;
  /** Standard input is a terminal. */
  readonly #typed: boolean;
  #guest: SerialConsole | undefined;
  #client: Client | undefined;
  #clientEnds = false;
  #input: Uint8Array = new Uint8Array();
  #output: Uint8Array = new Uint8Array();
  #due: NodeJS.Immediate | undefined;

  constructor(endpoint: Endpoint, host: SerialPortHost) {
    this.#host = host;
    this.#typed = endpoint.kind === 'stdio' && process.stdin.isTTY;
    this.#escapes = new EscapeKeys({
      quit: () => host.quit(),
      help: () => this.#show(utf8(`\r\n${ESCAPE_HELP}\r\n`)),
    });
    this.queue = new ClientQueue(endpoint, this);
  }

  /** Opens the endpoint. Keys of a terminal go to the guest from now on, ^C too. Throws as ClientQueue.open(). */
  async open(): Promise<void> {
    await this.queue.open();
    if (!this.#typed) return;
    process.stdin.setRawMode(true);
    process.stdout.on('resize', this.#resize);
  }

  /** Gives the terminal back, and closes the endpoint. */
  async close(): Promise<void> {
    this.disconnect();
    if (this.#typed) {
      process.stdin.setRawMode(false);
      process.stdout.off('resize', this.#resize);
    }
    await this.queue.close();
  }

  /** A guest has booted; update() lets it go on. */
  connect(kernel: Kernel): void {
    this.disconnect();
    this.#guest = new SerialConsole(kernel, this.#typed ? process.stdout.columns : undefined);
    this.#show(this.#guest.start());
  }

  /** The guest is gone. */
  disconnect(): void {
    this.#guest = undefined;
    clearImmediate(this.#due);
    this.#due = undefined;
  }

  /** The machine may have stopped, or gone on. */
  update(): void {
    if (!this.#listens) this.#client?.resume(); // to see it leave
    this.#goOn();
  }

  serve(client: Client): void {
    this.#client = client;
    this.#clientEnds = false;
    client.on('data', (bytes: Uint8Array) => this.#take(this.#typed ? this.#escapes.take(bytes) : bytes));
    client.on('drain', () => this.#goOn());
    client.on('end', () => {
      this.#clientEnds = this.queue.endpoint.kind !== 'stdio';
      if (this.#clientEnds && !this.#listens) client.end();
      this.#goOn();
    });
    this.#flush();
  }

  left(): void {
    this.#client = undefined;
    this.#goOn();
  }

  readonly #resize = (): void => this.#guest?.resize(process.stdout.columns);

  get #listens(): boolean {
    return this.#guest !== undefined && this.#host.isRunning();
  }

  #take(bytes: Uint8Array): void {
    const room = this.#listens ? bytes.length : Math.max(0, INPUT_ROOM - this.#input.length);
    this.#input = concat(this.#input, bytes.subarray(0, room));
    if (this.#listens) this.#client?.pause();
    this.#goOn();
  }

  /** Lets the guest have a line at a time, so that others have their turn in between. */
  #goOn(): void {
    this.#flush();
    if (this.#due !== undefined || !this.#listens || this.#client?.writableNeedDrain) return;
    if (this.#input.length > 0) this.#due = setImmediate(() => this.#type());
    else if (this.#clientEnds) this.#client?.end();
    else this.#client?.resume();
  }

  #type(): void {
    this.#due = undefined;
    if (this.#guest !== undefined && this.#listens) {
      const { shown, consumed } = this.#guest.type(this.#input);
      this.#input = this.#input.slice(consumed);
      this.#show(shown);
    }
    this.#goOn();
  }

  #show(bytes: Uint8Array): void {
    this.#output = concat(this.#output, bytes);
    this.#flush();
    if (this.#output.length > OUTPUT_ROOM) this.#output = this.#output.slice(-OUTPUT_ROOM);
  }

  #flush(): void {
    const client = this.#client;
    if (client === undefined || this.#output.length === 0) return;
    if (!client.writable || client.writableNeedDrain) return;
    client.write(this.#output);
    this.#output = new Uint8Array();
  }
}
