import { POLICY, type PolicyFlag } from '@sevlab/codec/sev/policy';
import { CommandError, EXIT } from './exit.ts';

/** 32 bits: a number, or names of flags with commas between. Throws CommandError. */
export function parsePolicy(text: string): number {
  if (/^(0[xX][0-9a-fA-F]+|\d+)$/.test(text) && Number(text) <= 0xffff_ffff) return Number(text);
  const flags = text.toUpperCase().split(',');
  if (flags.every((flag): flag is PolicyFlag => Object.hasOwn(POLICY, flag))) {
    return flags.reduce((policy, flag) => policy | POLICY[flag], 0);
  }
  throw new CommandError(
    EXIT.usage,
    `--policy ${text}: expected 32 bits, decimal or 0x…, or flags such as NODBG,ES out of ${Object.keys(POLICY).join(', ')}`,
  );
}
