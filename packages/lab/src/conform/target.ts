import { createInterface } from 'node:readline';
import type { Target } from '@sevlab/conformance/target';
import { CommandError, EXIT } from '../commands/exit.ts';
import { print } from '../commands/output.ts';
import { guestParts, withQemu } from '../commands/real-kernel.ts';

/** What `--target` names. `timeout` is in seconds, as it was typed. Throws CommandError. */
export async function targetOf(name: string, timeout: string): Promise<Target> {
  if (name === 'sim') return (await import('@sevlab/conformance/targets/sim')).simTarget();
  if (name.startsWith('exec:')) return execTargetOf(name.slice('exec:'.length), Number(timeout));
  if (name !== 'linux')
    throw new CommandError(EXIT.usage, `--target ${name}: expected sim, linux or exec:COMMAND`);
  const parts = guestParts();
  const { linuxTarget } = await import('@sevlab/conformance/targets/linux');
  return withQemu(() => linuxTarget(parts));
}

async function execTargetOf(command: string, timeout: number): Promise<Target> {
  if (command.trim() === '')
    throw new CommandError(EXIT.usage, '--target exec: expected a command behind it, such as exec:./adapter');
  if (!(timeout > 0)) throw new CommandError(EXIT.usage, '--timeout: expected a number of seconds above 0');
  const { execTarget } = await import('@sevlab/conformance/exec/target');
  const { ProgramTrouble } = await import('@sevlab/conformance/exec/line-program');
  try {
    return await execTarget(command, { timeout });
  } catch (error) {
    if (!(error instanceof ProgramTrouble)) throw error;
    throw new CommandError(
      EXIT.usage,
      `${command}: ${error.message}; docs/reference/exec-protocol.md says what to answer to the first line`,
    );
  }
}

/** Answers requests of the line protocol, a line each, until the input ends. */
export async function serveLines(): Promise<void> {
  const { createResponder } = await import('@sevlab/conformance/exec/responder');
  const respond = createResponder();
  for await (const line of createInterface({ input: process.stdin })) {
    let answer: object;
    try {
      answer = respond(JSON.parse(line));
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
      answer = { error: error.message };
    }
    print(JSON.stringify(answer));
  }
}
