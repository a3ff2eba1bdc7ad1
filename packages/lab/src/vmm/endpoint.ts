import { rmSync } from 'node:fs';
import { connect, type ListenOptions, type Server } from 'node:net';
import type { Endpoint } from '@sevlab/vmm-sim/qemu/chardev';

/** Somebody else listens there. */
export class EndpointBusy extends Error {
  constructor(where: string) {
    super(`${where}: somebody listens there already`);
    this.name = 'EndpointBusy';
  }
}

/** An endpoint on which clients come. */
export type ListeningEndpoint = Extract<Endpoint, { readonly kind: 'unix' | 'tcp' | 'fd' }>;

/** Listens; a socket file that nobody serves any more is replaced. Throws EndpointBusy, and the errors of node:net. */
export async function listenOn(server: Server, endpoint: ListeningEndpoint): Promise<void> {
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

function optionsOf(endpoint: ListeningEndpoint): ListenOptions {
  if (endpoint.kind === 'unix') return { path: endpoint.path };
  if (endpoint.kind === 'tcp') return { host: endpoint.host, port: endpoint.port };
  return { fd: endpoint.fd } as ListenOptions; // node:net takes it, its types do not know
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
