import type { Command } from 'commander';
import { capabilities } from '../capabilities.ts';
import { print, printJson } from './output.ts';

/** sevlab capabilities */
export function addCapabilities(program: Command): void {
  program
    .command('capabilities')
    .description('what this build can do')
    .option('--json', 'one JSON document')
    .action(({ json }: { json?: boolean }) => {
      const all = capabilities();
      if (json) {
        printJson(all);
        return;
      }
      print(`sevlab ${all.sevlab}, simulated: plain SEV, and the launch of SEV-ES`);
      print(
        `parts: ${all.parts.join(', ')}\nlayouts: ${all.layouts.join(', ')}\nkernels: ${all.linux.join(', ')}`,
      );
      for (const { name, support } of all.commands) print(`  ${name.padEnd(20)} ${support}`);
    });
}
