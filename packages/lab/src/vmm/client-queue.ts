import { createWriteStream, openSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { Duplex } from 'node:stream';
import type { Endpoint } from '@sevlab/vmm-sim/qemu/chardev';
import { describeEndpoint, listenOn } from './endpoint.ts';

/** Who talks and listens at an endpoint. */
export type Client = Duplex;

/** What is behind an endpoint. */
export interface Service {
  /** A client's turn has come. */
  serve(client: Client): void;
  /** The client whose turn it was is gone. */
  left(): void;
}

/** How long a client that does not read keeps an endpoint from closing, in milliseconds. */
const GRACE = 1000;

/** An endpoint on which one client at a time is served; those who come meanwhile wait, as behind a QEMU. */
export class ClientQueue {
  readonly endpoint: Endpoint;
  readonly #service: Service;
  readonly #server: Server;
  readonly #waiting: Client[] = [];
  #current: Client | undefined;
  #open = false;

  constructor(endpoint: Endpoint, service: Service) {
    this.endpoint = endpoint;
    this.#service = service;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#arrived(socket));
  }

  /** Where it is, in words; a port that was left to the system is the one that it gave. */
  get place(): string {
    const address = this.#server.address();
    const given = typeof address === 'object' && address !== null ? address.port : undefined;
    const { endpoint } = this;
    return describeEndpoint(
      endpoint.kind === 'tcp' && given !== undefined ? { ...endpoint, port: given } : endpoint,
    );
  }

  /** Opens the endpoint; what is no socket is a client that is there already. Throws as listenOn, and as node:fs. */
  async open(): Promise<void> {
    const { endpoint } = this;
    if (endpoint.kind === 'unix' || endpoint.kind === 'tcp' || endpoint.kind === 'fd')
      await listenOn(this.#server, endpoint);
    this.#open = true;
    if (endpoint.kind === 'stdio') this.#arrived(standardStreams());
    if (endpoint.kind === 'file')
      this.#arrived(Duplex.from(createWriteStream('', { fd: openSync(endpoint.path, 'w') })));
  }

  /** Ends all connections, once what was sent has left, and removes the socket. */
  async close(): Promise<void> {
    for (const client of this.#waiting.splice(0)) client.destroy();
    const current = this.#current;
    const late = setTimeout(() => current?.destroy(), GRACE);
    await new Promise<void>((resolve) => {
      if (current === undefined || current.destroyed) return resolve();
      current.once('close', resolve);
      current.end(() => current.destroy());
    });
    clearTimeout(late);
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.removeFile();
  }

  /** Removes the socket that was made, if that is a file. */
  removeFile(): void {
    if (this.#open && this.endpoint.kind === 'unix') rmSync(this.endpoint.path, { force: true });
  }

  #arrived(client: Client): void {
    client.on('error', () => client.destroy()); // it is gone; 'close' follows
    client.on('close', () => this.#left(client));
    if (this.#current === undefined) this.#serve(client);
    else {
      client.pause();
      this.#waiting.push(client);
    }
  }

  #serve(client: Client): void {
    this.#current = client;
    this.#service.serve(client);
    client.resume();
  }

  #left(client: Client): void {
    const place = this.#waiting.indexOf(client);
    if (place !== -1) this.#waiting.splice(place, 1);
    if (this.#current !== client) return;
    this.#current = undefined;
    this.#service.left();
    const next = this.#waiting.shift();
    if (next !== undefined) this.#serve(next);
  }
}

/** Standard input and output; they outlive it. */
function standardStreams(): Client {
  const { stdin, stdout } = process;
  const take = (bytes: Buffer): void => {
    if (!client.push(bytes)) stdin.pause();
  };
  const end = (): void => {
    client.push(null);
  };
  const client = new Duplex({
    read: () => void stdin.resume(),
    write: (bytes, _, done) => void stdout.write(bytes, done),
    destroy: (error, done) => {
      stdin.off('data', take).off('end', end).pause();
      done(error);
    },
  });
  stdin.on('data', take).on('end', end);
  return client;
}
