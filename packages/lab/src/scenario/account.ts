import type { Account } from '@sevlab/guest-kernel-sim/accounts';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { nameService } from '@sevlab/guest-kernel-sim/name-service';
import { ROOT } from '@sevlab/guest-kernel-sim/user';
import { ScenarioError } from './values.ts';

/** The guest's account of that name. Throws ScenarioError when there is none. */
export function accountOf(kernel: Kernel, name: string): Account {
  const account = nameService(kernel.as(ROOT)).findAccount(name);
  if (account !== undefined) return account;
  throw new ScenarioError(
    `as: the guest has no account '${name}'; expected one of its /etc/passwd, such as user`,
  );
}
