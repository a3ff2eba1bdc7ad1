import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { print, say } from './output.ts';

/** Nobody else's machine reaches these (RFC 6890, RFC 6761). */
const isLoopback = (host: string): boolean => /^(127(\.\d+){3}|::1|localhost)$/.test(host);

/** sevlab serve: the page and its HTTP API, on loopback. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .description('the web lab: a page, and its HTTP API with scenarios and live sessions')
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
      const app = await buildLab({
        allowedHosts: [host, ...allowHost],
        reportFault: (where, { name, stack = '' }) =>
          say(
            `sevlab serve: this is a fault of sevlab itself: ${where}: ${name}${firstPlace(stack)}; please report it`,
          ),
      });
      try {
        await app.listen({ host, port: number });
        const { port: bound } = app.server.address() as AddressInfo; // it listens on a network address
        print(`sevlab, simulated: http://${host.includes(':') ? `[${host}]` : host}:${bound}`);
        if (!isLoopback(host)) say(exposure(host, allowHost));
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

/** What somebody should know who opens the lab to others. */
export const exposure = (host: string, names: readonly string[]): string =>
  [
    `sevlab serve: ${host} is not loopback: everybody who reaches it can use what is here, without a password:`,
    '  the page, scenarios, live sessions with their secrets for who knows a session’s id, and the work of this computer;',
    '  no files and no environment of it. There is no TLS. Secrets that are typed in are safe from nobody.',
    `  Names that are answered: ${['those of loopback', host, ...names].join(', ')}`,
  ].join('\n');

/** Where in our code, without what the message may quote. */
const firstPlace = (stack: string): string => ` ${/\n\s+(at .*)/.exec(stack)?.[1] ?? ''}`;
