import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { print, say } from './output.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1']);

/** sevlab serve: the page and its HTTP API, on loopback. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .description('a page that shows the demonstration step by step, and its HTTP API')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option(
      '--allow-host <name>',
      'a name besides those of loopback that clients may use; may be repeated',
      (name: string, before: string[]) => [...before, name],
      [],
    )
    .option('--port <number>', 'where to listen; 0 picks one', '8040')
    .action(async ({ host, port, allowHost }: { host: string; port: string; allowHost: string[] }) => {
      const number = Number(port);
      if (!Number.isInteger(number) || number < 0 || number > 65_535) {
        throw new CommandError(EXIT.usage, `--port ${port}: expected a number from 0 to 65535`);
      }
      const { buildLab } = await import('../server/build-lab.ts'); // the server's libraries are needed here only
      const app = await buildLab({ allowedHosts: [host, ...allowHost] });
      try {
        await app.listen({ host, port: number });
        const { port: bound } = app.server.address() as AddressInfo; // it listens on a network address
        print(`sevlab, simulated: http://${host.includes(':') ? `[${host}]` : host}:${bound}`);
        if (!LOOPBACK.has(host)) say(`sevlab serve: ${host} is not loopback: others can reach this`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new CommandError(EXIT.state, `cannot listen on ${host} port ${port}: ${reason}; try --port 0`);
      }
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.once(
          signal,
          () => void app.close().then(() => process.exit(signal === 'SIGINT' ? 130 : 143)),
        );
      }
    });
}
