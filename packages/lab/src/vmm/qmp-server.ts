import type { Endpoint } from '@sevlab/vmm-sim/qemu/chardev';
import type { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import {
  closeSession,
  type MonitorSession,
  openSession,
  receive,
  takeEvents,
} from '@sevlab/vmm-sim/qmp/monitor';
import { type Client, ClientQueue, type Service } from './client-queue.ts';

/** A place where QMP clients come. */
export class QmpServer implements Service {
  readonly queue: ClientQueue;
  readonly #machine: QemuMachine;
  readonly #onAnswer: () => void;
  #current: { readonly client: Client; readonly session: MonitorSession } | undefined;

  /** `onAnswer` is called whenever a client was answered. */
  constructor(machine: QemuMachine, endpoint: Endpoint, onAnswer: () => void) {
    this.#machine = machine;
    this.#onAnswer = onAnswer;
    this.queue = new ClientQueue(endpoint, this);
  }

  /** Tells the client what has happened without its doing. */
  tellEvents(): void {
    if (this.#current === undefined) return;
    const { client, session } = this.#current;
    send(client, takeEvents(this.#machine, session));
  }

  serve(client: Client): void {
    const { session, greeting } = openSession(this.#machine);
    this.#current = { client, session };
    send(client, greeting);
    client.on('data', (bytes: Uint8Array) => {
      if (this.#machine.state.exit !== undefined) return; // nobody is answered any more
      send(client, receive(this.#machine, session, bytes));
      this.#onAnswer();
    });
    client.on('drain', () => client.resume());
    client.on('end', () => client.end());
  }

  left(): void {
    if (this.#current !== undefined) closeSession(this.#machine, this.#current.session);
    this.#current = undefined;
  }
}

/** Whoever does not read is not read from. */
function send(client: Client, text: string): void {
  if (text !== '' && client.writable && !client.write(text, 'latin1')) client.pause();
}
