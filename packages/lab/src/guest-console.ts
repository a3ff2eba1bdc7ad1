import { createInterface } from 'node:readline';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { runShell } from '@sevlab/guest-kernel-sim/shell';
import { createSession, promptOf } from '@sevlab/guest-kernel-sim/shell/session';
import { createTerminalState, Terminal } from '@sevlab/guest-kernel-sim/terminal/terminal';

/**
 * Connects standard input and output to the guest's shell until that ends: keys where somebody types them, else line
 * after line. Answers the status given to `exit`, and 0 when the input ends.
 */
export const connectConsole = (kernel: Kernel): Promise<number> =>
  process.stdin.isTTY ? typeKeys(kernel) : runLines(kernel);

/** Shows each line behind the prompt, as somebody would see it who types it. */
async function runLines(kernel: Kernel): Promise<number> {
  const session = createSession();
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${promptOf(session)}${line}\n`);
    process.stdout.write(runShell(kernel, line, session).bytes);
    if (session.ended !== undefined) return session.ended;
  }
  return 0;
}

function typeKeys(kernel: Kernel): Promise<number> {
  const { stdin, stdout } = process;
  const terminal = new Terminal(kernel, createTerminalState(stdout.columns));
  const resize = (): void => terminal.resize(stdout.columns);
  return new Promise((resolve) => {
    const finish = (status: number): void => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.off('data', type);
      stdout.off('resize', resize);
      resolve(status);
    };
    const type = (keys: Buffer): void => {
      stdout.write(terminal.type(keys));
      if (terminal.ended !== undefined) finish(terminal.ended);
    };
    stdin.setRawMode(true);
    stdin.on('data', type);
    stdin.once('end', () => finish(0));
    stdout.on('resize', resize);
    stdout.write(terminal.start());
  });
}
