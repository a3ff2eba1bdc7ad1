import type { Command } from 'commander';
import { addOwnerSession } from './owner-session.ts';
import { addOwnerVerify } from './owner-verify.ts';

/** sevlab owner session | verify; exit codes as those of virt-qemu-sev-validate. */
export function addOwner(program: Command): void {
  const owner = program
    .command('owner')
    .description('the guest owner’s side: check a platform, make a launch session');
  addOwnerSession(owner);
  addOwnerVerify(owner);
}
