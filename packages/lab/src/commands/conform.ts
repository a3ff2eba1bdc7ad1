import type { Command } from 'commander';

export function addConform(program: Command): void {
  program.command('conform').description('run the conformance suite against the simulator');
}
