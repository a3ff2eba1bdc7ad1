import { LAYOUTS } from '@sevlab/firmware-sim/layouts';
import { KERNEL_PROFILES } from '@sevlab/guest-kernel-sim/profile';
import { PARTS } from '@sevlab/machine/part';
import { SUPPORT } from '@sevlab/psp-sim/support';
import type { Command } from 'commander';
import { VERSION } from '../version.ts';
import { print, printJson } from './output.ts';

/** What this build can do, as data. */
export const capabilities = () => ({
  sevlab: VERSION,
  simulated: true,
  parts: Object.keys(PARTS),
  layouts: Object.keys(LAYOUTS),
  linux: KERNEL_PROFILES,
  commands: Object.entries(SUPPORT).map(([name, support]) => ({
    name,
    support:
      support.command === undefined
        ? 'no'
        : support.partial === undefined
          ? 'full'
          : `partial: ${support.partial}`,
  })),
  emulates: { sev: true, sevEs: false, sevSnp: false },
});

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
      print(`sevlab ${all.sevlab}, simulated: plain SEV`);
      print(
        `parts: ${all.parts.join(', ')}\nlayouts: ${all.layouts.join(', ')}\nkernels: ${all.linux.join(', ')}`,
      );
      for (const { name, support } of all.commands) print(`  ${name.padEnd(20)} ${support}`);
    });
}
