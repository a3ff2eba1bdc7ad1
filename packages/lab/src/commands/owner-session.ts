import { existsSync, statSync } from 'node:fs';
import { seededEntropy, systemEntropy } from '@sevlab/ambient/entropy';
import { toBase64 } from '@sevlab/codec/bytes';
import { LengthError } from '@sevlab/codec/layout';
import { KEY_USAGE } from '@sevlab/codec/sev/certificate';
import { describePolicy, POLICY } from '@sevlab/codec/sev/policy';
import { makeSession, type SessionKeys } from '@sevlab/guest-owner-sim/make-session';
import { decodePoint } from '@sevlab/sev-channel/certificate';
import type { Point } from '@sevlab/sev-channel/p384';
import type { Command } from 'commander';
import { decodePdhFile } from '../certificate-file.ts';
import { createDurably, type DurableFile, replaceDurably } from '../durable-file.ts';
import { systemReason } from '../system-reason.ts';
import { CommandError, EXIT } from './exit.ts';
import { readFile } from './input.ts';
import { printJson, say } from './output.ts';
import { parsePolicy } from './policy-option.ts';
import { PREDICTABLE } from './seed.ts';

interface SessionOptions {
  readonly name: string;
  readonly policy: string;
  readonly seed?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** sevlab owner session */
export function addOwnerSession(owner: Command): void {
  owner
    .command('session')
    .description('make transport keys and wrap them for a platform, as sevctl session')
    .argument('<chain-or-pdh>', 'the platform’s PDH, or a chain that starts with it; - is standard input')
    .option('--name <name>', 'prefix of the files', 'vm')
    .option('--policy <policy>', `decimal, 0x…, or flags of ${Object.keys(POLICY).join(', ')}`, 'NODBG')
    .option('--seed <text>', 'predictable keys, for examples and tests')
    .option('--force', 'overwrite files that are there')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nWrites NAME_tik.bin and NAME_tek.bin, 16 bytes each and secret, and NAME_godh.b64 and NAME_session.b64, which\n' +
        'go to the host. Nothing is verified here: sevlab owner verify does that, and comes first.\n' +
        'The session authenticates all 32 bits of the policy, as the AMD-SP expects. sevctl 0.6.2 drops bits 15:6 and\n' +
        'garbles the minimum version in bits 31:16, so that LAUNCH_START refuses what it made for such a policy.',
    )
    .action((chainOrPdh: string, options: SessionOptions) => {
      const policy = parsePolicy(options.policy);
      const pdh = readPdh(chainOrPdh);
      const names = filesOf(options.name);
      if (!options.force) refuseToOverwrite(Object.values(names));
      if (options.seed !== undefined) say(PREDICTABLE);
      const entropy =
        options.seed === undefined
          ? systemEntropy('guest-owner')
          : seededEntropy(options.seed, 'guest-owner');
      const keys = makeSession(pdh, policy, entropy);
      writeFiles(sessionFiles(names, keys), options.force ?? false);
      if (options.json) printJson({ policy, flags: describePolicy(policy), files: names });
      else
        say(`${Object.values(names).join(', ')}: policy 0x${policy.toString(16)}, ${describePolicy(policy)}`);
    });
}

const filesOf = (name: string) => ({
  tik: `${name}_tik.bin`,
  tek: `${name}_tek.bin`,
  godh: `${name}_godh.b64`,
  session: `${name}_session.b64`,
});

/** Base64 without a line end, as sevctl writes it and QEMU reads it. */
const sessionFiles = (names: ReturnType<typeof filesOf>, keys: SessionKeys): DurableFile[] => [
  { path: names.tik, content: keys.tik, mode: 0o600 },
  { path: names.tek, content: keys.tek, mode: 0o600 },
  { path: names.godh, content: toBase64(keys.godh), mode: 0o644 },
  { path: names.session, content: toBase64(keys.session), mode: 0o644 },
];

function readPdh(path: string): Point {
  const file = readFile(path);
  try {
    const pdh = decodePdhFile(file);
    if (pdh.pubkeyUsage !== KEY_USAGE.PDH) {
      throw new RangeError(
        `expected a PDH at the beginning, PUBKEY_USAGE 0x${KEY_USAGE.PDH.toString(16)}, got 0x${pdh.pubkeyUsage.toString(16)}`,
      );
    }
    const point = decodePoint(pdh.pubkey);
    if (point === undefined)
      throw new RangeError('expected a PDH with a point of P-384, got a key that is none');
    return point;
  } catch (error) {
    if (!(error instanceof LengthError || error instanceof RangeError)) throw error;
    throw new CommandError(EXIT.usage, `${path}: ${error.message}`);
  }
}

/** Keys that are overwritten are lost, and so is the launch that they belong to. */
function refuseToOverwrite(paths: readonly string[]): void {
  const there = paths.filter((path) => existsSync(path));
  if (there.length === 0) return;
  throw new CommandError(
    EXIT.unsafe,
    `${there.join(', ')}: expected no such file, and these may be keys in use; try another --name, or --force`,
  );
}

/** All of them or none. Throws CommandError. */
function writeFiles(files: readonly DurableFile[], force: boolean): void {
  for (const { path } of files) {
    if (!existsSync(path) || statSync(path).isFile()) continue;
    throw new CommandError(EXIT.usage, `${path}: it is no file; expected one, or nothing`);
  }
  try {
    if (force) replaceDurably(...files);
    else createDurably(...files);
  } catch (error) {
    const [{ path }] = files as [DurableFile]; // all are in one folder
    throw new CommandError(
      EXIT.usage,
      `${path}: ${systemReason(error)}; expected a place that can be written`,
    );
  }
}
