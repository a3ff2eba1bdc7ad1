import type { Command } from 'commander';
import { addOwnerCheckSession } from './owner-check-session.ts';
import { addOwnerMeasure } from './owner-measure.ts';
import { addOwnerSecret } from './owner-secret.ts';
import { addOwnerSession } from './owner-session.ts';
import { addOwnerVerify } from './owner-verify.ts';

/** sevlab owner session | check-session | verify | measure | secret; exit codes as those of virt-qemu-sev-validate. */
export function addOwner(program: Command): void {
  const owner = program
    .command('owner')
    .description(
      'the guest owner’s side: check a platform, make a launch session, check a launch, seal secrets',
    );
  addOwnerSession(owner);
  addOwnerCheckSession(owner);
  addOwnerVerify(owner);
  addOwnerMeasure(owner);
  addOwnerSecret(owner);
}
