import { rmSync } from 'node:fs';
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import type { Endpoint } from '@sevlab/vmm-sim/qemu/command-line';

/** Somebody else listens there. */
export class EndpointBusy extends Error {
  constructor(where: string) {
    super(`${where}: somebody listens there already`);
    this.name = 'EndpointBusy';
  }
}

/** A socket on which one client at a time is served; those who come meanwhile wait, as behind a QEMU. */
export class OneClientServer {
  readonly #server: Server;
  readonly #endpoint: Endpoint;
  readonly #serve: (client: Socket) => void;
  readonly #waiting: Socket[] = [];
  #current: Socket | undefined;

  constructor(endpoint: Endpoint, serve: (client: Socket) => void) {
    this.#endpoint = endpoint;
    this.#serve = serve;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#arrived(socket));
  }

  /** Throws EndpointBusy, and the errors of node:net. */
  async listen(): Promise<void> {
    await listenOn(this.#server, this.#endpoint);
  }

  /** Ends all connections, once what was sent has left, and removes the socket. */
  async close(): Promise<void> {
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.#current?.destroySoon();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#endpoint.kind === 'unix') rmSync(this.#endpoint.path, { force: true });
  }

  #arrived(socket: Socket): void {
    socket.on('error', () => socket.destroy()); // a client that is gone; 'close' follows
    socket.on('close', () => this.#left(socket));
    if (this.#current === undefined) this.#take(socket);
    else {
      socket.pause();
      this.#waiting.push(socket);
    }
  }

  #take(socket: Socket): void {
    this.#current = socket;
    this.#serve(socket);
    socket.resume();
  }

  #left(socket: Socket): void {
    const place = this.#waiting.indexOf(socket);
    if (place !== -1) this.#waiting.splice(place, 1);
    if (this.#current !== socket) return;
    this.#current = undefined;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#take(next);
  }
}

/** Listens; a socket file that nobody serves any more is replaced. Throws EndpointBusy, and the errors of node:net. */
async function listenOn(server: Server, endpoint: Endpoint): Promise<void> {
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
