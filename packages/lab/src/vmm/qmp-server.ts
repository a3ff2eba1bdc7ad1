import { rmSync } from 'node:fs';
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import type { Endpoint } from '@sevlab/vmm-sim/qemu/command-line';
import type { QemuMachine } from '@sevlab/vmm-sim/qemu/qemu-machine';
import { type MonitorSession, openSession, receive, takeEvents } from '@sevlab/vmm-sim/qmp/monitor';

/** Somebody else listens there. */
export class EndpointBusy extends Error {
  constructor(where: string) {
    super(`${where}: somebody listens there already`);
    this.name = 'EndpointBusy';
  }
}

/** A socket on which one client at a time is served; those who come meanwhile wait, as behind a QEMU. */
export class QmpServer {
  readonly #machine: QemuMachine;
  readonly #server: Server;
  readonly #endpoint: Endpoint;
  readonly #onExit: () => void;
  readonly #waiting: Socket[] = [];
  #current: { readonly socket: Socket; readonly session: MonitorSession } | undefined;

  constructor(machine: QemuMachine, endpoint: Endpoint, onExit: () => void) {
    this.#machine = machine;
    this.#endpoint = endpoint;
    this.#onExit = onExit;
    this.#server = createServer((socket) => this.#arrived(socket));
  }

  /** Throws EndpointBusy, and the errors of node:net. */
  async listen(): Promise<void> {
    await listenOn(this.#server, this.#endpoint);
  }

  /** Tells the client what has happened without its doing. */
  tellEvents(): void {
    if (this.#current === undefined) return;
    const { socket, session } = this.#current;
    send(socket, takeEvents(this.#machine, session));
  }

  /** Ends all connections, once what was sent has left, and removes the socket. */
  async close(): Promise<void> {
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.#current?.socket.end();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#endpoint.kind === 'unix') rmSync(this.#endpoint.path, { force: true });
  }

  #arrived(socket: Socket): void {
    socket.on('error', () => socket.destroy()); // a client that is gone; 'close' follows
    socket.on('close', () => this.#left(socket));
    if (this.#current === undefined) this.#serve(socket);
    else {
      socket.pause();
      this.#waiting.push(socket);
    }
  }

  #serve(socket: Socket): void {
    const { session, greeting } = openSession(this.#machine);
    this.#current = { socket, session };
    send(socket, greeting);
    socket.on('data', (bytes) => {
      send(socket, receive(this.#machine, session, bytes));
      if (this.#machine.state.exit !== undefined) this.#onExit();
    });
    socket.on('drain', () => socket.resume());
    socket.on('end', () => socket.end());
    socket.resume();
  }

  #left(socket: Socket): void {
    const place = this.#waiting.indexOf(socket);
    if (place !== -1) this.#waiting.splice(place, 1);
    if (this.#current?.socket !== socket) return;
    this.#current = undefined;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#serve(next);
  }
}

/** Whoever does not read is not read from. */
function send(socket: Socket, text: string): void {
  if (text !== '' && socket.writable && !socket.write(text, 'latin1')) socket.pause();
}

/** Listens; a socket file that nobody serves any more is replaced. Throws EndpointBusy, and the errors of node:net. */
export async function listenOn(server: Server, endpoint: Endpoint): Promise<void> {
  try {
    await listen(server, optionsOf(endpoint));
  } catch (error) {
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error; // of node:net
    if (endpoint.kind !== 'unix') throw new EndpointBusy(describeEndpoint(endpoint));
    if (await isServed(endpoint.path)) throw new EndpointBusy(endpoint.path);
    rmSync(endpoint.path, { force: true });
    await listen(server, optionsOf(endpoint));
  }
}

const listen = (server: Server, options: ListenOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });

/** Throws RangeError for an endpoint on which nobody can listen. */
function optionsOf(endpoint: Endpoint): ListenOptions {
  if (endpoint.kind === 'unix') return { path: endpoint.path };
  if (endpoint.kind === 'tcp') return { host: endpoint.host, port: endpoint.port };
  if (endpoint.kind === 'fd') return { fd: endpoint.fd } as ListenOptions; // node:net takes it, its types do not know
  throw new RangeError(`nobody can listen on ${endpoint.kind}`);
}

const isServed = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

export const describeEndpoint = (endpoint: Endpoint): string => {
  if (endpoint.kind === 'unix' || endpoint.kind === 'file') return endpoint.path;
  if (endpoint.kind === 'tcp') return `${endpoint.host}:${endpoint.port}`;
  return endpoint.kind === 'fd' ? `descriptor ${endpoint.fd}` : endpoint.kind;
};
