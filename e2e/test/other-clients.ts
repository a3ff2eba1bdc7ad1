import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { QMPClient } from 'node-qemu';
import QMP from 'qemu-qmp';
import { optionalProgram } from './optional-program.ts';

/** A client of QMP that other people wrote, after its negotiation. */
export interface OtherClient {
  /** Throws what the client throws for an error; QEMU's words are in its message. */
  execute(command: string, given?: Readonly<Record<string, unknown>>): Promise<unknown>;
  close(): Promise<void>;
}

interface Kind {
  readonly name: string;
  readonly there: boolean;
  readonly connect: (path: string) => Promise<OtherClient>;
}

/** Those that are tried; sevlab knows nothing of them. */
export const OTHER_CLIENTS: readonly Kind[] = [
  { name: 'node-qemu 1.3.0', there: true, connect: withNodeQemu },
  { name: 'qemu-qmp 0.5.0', there: true, connect: withQemuQmp },
  {
    name: 'socat',
    there: optionalProgram('socat', 'apt-get install --no-install-recommends socat'),
    connect: withSocat,
  },
];

async function withNodeQemu(path: string): Promise<OtherClient> {
  const client = new QMPClient({ socketPath: path, reconnect: false });
  await client.connect();
  return {
    execute: (command, given) => client.execute(command, given && { ...given }),
    close: () => client.close(),
  };
}

async function withQemuQmp(path: string): Promise<OtherClient> {
  const client = new QMP();
  await new Promise<void>((resolve, reject) =>
    client.connect(path, (error) => (error ? reject(error) : resolve())),
  );
  return {
    execute: (command, given = {}) =>
      new Promise((resolve, reject) =>
        client.execute(command, given, (error, answer) => (error ? reject(error) : resolve(answer))),
      ),
    close: async () => {
      client.end();
    },
  };
}

/** A shell script's way: lines into socat, lines out of it. */
async function withSocat(path: string): Promise<OtherClient> {
  const child = spawn('socat', ['-t', '10', '-', `UNIX-CONNECT:${path}`]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('socat has ended');
    return JSON.parse(value);
  };
  await next(); // the greeting
  const execute: OtherClient['execute'] = async (command, given) => {
    child.stdin.write(`${JSON.stringify({ execute: command, ...(given && { arguments: given }) })}\n`);
    for (;;) {
      const message = await next();
      if ('return' in message) return message.return;
      if ('error' in message) throw new Error((message.error as { desc: string }).desc); // QMP's form
    }
  };
  await execute('qmp_capabilities');
  return {
    execute,
    close: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
