import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { describePolicy } from '@sevlab/codec/sev/policy';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { decodePoint } from '@sevlab/sev-channel/certificate';
import type { Command } from 'commander';
import { godhText, policyMacText } from '../session-text.ts';
import { CommandError, EXIT } from './exit.ts';
import { readBytes, readSized } from './input.ts';
import { print, say } from './output.ts';
import { parsePolicy } from './policy-option.ts';

interface CheckOptions {
  readonly tik: string;
  readonly policy: string;
  readonly godh?: string;
}

/** sevlab owner check-session */
export function addOwnerCheckSession(owner: Command): void {
  owner
    .command('check-session')
    .description('whether LAUNCH_START will take a session that any tool made, as far as its owner can tell')
    .argument('<session>', 'the session, 128 bytes')
    .requiredOption('--tik <bytes>', 'transport integrity key, 16 bytes')
    .requiredOption('--policy <policy>', 'the policy that the host will start the guest with')
    .option('--godh <file>', 'the guest owner’s certificate')
    .addHelpText(
      'after',
      '\nFiles may be raw, base64 or hexadecimal. sevctl 0.6.2 and sev-tool 1.7 authenticate another policy than the\n' +
        'one they were given as soon as it has a minimum version; the firmware says BAD_MEASUREMENT to that.',
    )
    .action((file: string, options: CheckOptions) => {
      const { policyMac } = LaunchSession.decode(readBytes(file, LaunchSession.size));
      const policy = parsePolicy(options.policy);
      const certificate =
        options.godh === undefined
          ? undefined
          : SevCertificate.decode(readBytes(options.godh, SevCertificate.size));
      if (certificate !== undefined && decodePoint(certificate.pubkey) === undefined)
        throw new CommandError(EXIT.no, `${options.godh}: expected a point of P-384, got a key that is none`);
      const remark = certificate && godhText(certificate);
      if (remark !== undefined) say(`${options.godh}: ${remark}`);
      const concern = policyMacText(readSized('--tik', options.tik, 16), policy, policyMac);
      if (concern !== undefined)
        throw new CommandError(EXIT.no, `${file}: ${concern}; LAUNCH_START would answer BAD_MEASUREMENT`);
      print(`the session authenticates policy 0x${policy.toString(16)}, ${describePolicy(policy)}`);
    });
}
