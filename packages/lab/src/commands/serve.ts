import type { Command } from 'commander';
import { CommandError, EXIT } from './exit.ts';
import { print } from './output.ts';

/** sevlab serve: the page and its HTTP API, on loopback. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .description('a page that shows the demonstration step by step, and its HTTP API')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', 'where to listen; 0 picks one', '8040')
    .action(async ({ host, port }: { host: string; port: string }) => {
      const number = Number(port);
      if (!Number.isInteger(number) || number < 0 || number > 65_535) {
        throw new CommandError(EXIT.usage, `--port ${port}: expected a number from 0 to 65535`);
      }
      const { buildLab } = await import('../server/build-lab.ts'); // the server's libraries are needed here only
      const app = await buildLab();
      try {
        print(`sevlab, simulated: ${await app.listen({ host, port: number })}`);
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
