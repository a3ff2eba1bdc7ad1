import { equal, toHex } from '@sevlab/codec/bytes';
import { LengthError } from '@sevlab/codec/layout';
import { encodeAmdCertificate } from '@sevlab/sev-channel/amd-certificate';
import {
  type CertificateChain,
  judgeLinks,
  type LinkName,
  type LinkVerdict,
} from '@sevlab/sev-channel/chain';
import { amdFingerprint, sevFingerprint } from '@sevlab/sev-channel/fingerprint';
import type { Command } from 'commander';
import { type Authority, decodeAuthorityFile, decodeChainFile } from '../certificate-file.ts';
import { EMULATED_AUTHORITY } from '../key-distribution-service.ts';
import { CommandError, EXIT } from './exit.ts';
import { readFile } from './input.ts';
import { print, printJson, say } from './output.ts';

interface VerifyOptions {
  readonly sev: string;
  readonly ca?: string;
  readonly trustEmulatedRoot?: boolean;
  readonly json?: boolean;
}

/** The links from the platform's key up to the root, each below the one that it makes worth something. */
const TREE: readonly (readonly [depth: number, link: LinkName, words?: string])[] = [
  [0, 'PDH signed by PEK'],
  [1, 'PEK signed by OCA'],
  [2, 'OCA signed by itself'],
  [1, 'PEK signed by CEK'],
  [2, 'CEK signed by ASK'],
  [3, 'ASK signed by ARK'],
  [4, 'ARK signed by itself'],
  [4, 'ARK', 'ARK is the trusted root'],
];

/** sevlab owner verify */
export function addOwnerVerify(owner: Command): void {
  owner
    .command('verify')
    .description('check a platform’s certificate chain, link by link, as sevctl verify')
    .requiredOption(
      '--sev <chain>',
      'PDH, PEK, OCA and CEK, with or without ASK and ARK; - is standard input',
    )
    .option('--ca <file>', 'ASK and ARK; this ARK is the root that is trusted')
    .option('--trust-emulated-root', 'trust the root of emulated platforms, whose keys are public')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nA file may be raw or base64. No root is trusted that is not named here: an ARK that comes with the\n' +
        'chain is only compared with it.\n' +
        'Behind each link is the fingerprint of the certificate that was signed, as sevctl verify prints it.',
    )
    .action((options: VerifyOptions) => {
      const { chain, trusted } = readChain(options);
      const links = judgeLinks(chain, trusted && encodeAmdCertificate(trusted.ark));
      const broken = links.filter(({ reason }) => reason !== undefined);
      if (options.json) printJson(toJson(chain, links));
      else print(toText(chain, links));
      if (
        trusted !== undefined &&
        equal(encodeAmdCertificate(trusted.ark), encodeAmdCertificate(EMULATED_AUTHORITY.ark))
      )
        say('this root is the emulated one: its keys are public, and it vouches for no hardware');
      if (broken.length > 0) {
        const reasons = broken.map(({ link, reason }) => `${link}: ${reason}`);
        throw new CommandError(EXIT.no, `${options.sev}: ${reasons.join('; ')}`);
      }
    });
}

/** The chain with the ASK and ARK that came with it or that were named, and what is trusted. Throws CommandError. */
function readChain({ sev, ca, trustEmulatedRoot }: VerifyOptions): {
  chain: CertificateChain;
  trusted: Authority | undefined;
} {
  if (ca !== undefined && trustEmulatedRoot) {
    throw new CommandError(EXIT.usage, '--ca, --trust-emulated-root: expected one root to trust, got two');
  }
  const { authority, ...platform } = decodeFile(sev, decodeChainFile);
  const trusted = trustEmulatedRoot
    ? EMULATED_AUTHORITY
    : ca === undefined
      ? undefined
      : decodeFile(ca, decodeAuthorityFile);
  const above = authority ?? trusted;
  if (above === undefined) {
    throw new CommandError(
      EXIT.usage,
      `${sev}: it has no ASK and ARK; expected them in a file; try --ca FILE, or --trust-emulated-root for an emulated platform`,
    );
  }
  return { chain: { ...platform, ...above }, trusted };
}

function decodeFile<T>(path: string, decode: (file: Uint8Array) => T): T {
  const file = readFile(path);
  try {
    return decode(file);
  } catch (error) {
    if (!(error instanceof LengthError || error instanceof RangeError)) throw error;
    throw new CommandError(EXIT.usage, `${path}: ${error.message}`);
  }
}

/** The name in front of a link is that of the certificate which it is about. */
function fingerprintOf(chain: CertificateChain, link: LinkName): string {
  const name = link.slice(0, 3).toLowerCase() as keyof CertificateChain; // PDH, PEK, …
  return toHex(name === 'ask' || name === 'ark' ? amdFingerprint(chain[name]) : sevFingerprint(chain[name]));
}

const toJson = (chain: CertificateChain, links: readonly LinkVerdict[]) => ({
  verified: links.every(({ reason }) => reason === undefined),
  links: links.map(({ link, reason }) => ({
    link,
    holds: reason === undefined,
    reason: reason ?? null,
    fingerprint: fingerprintOf(chain, link),
  })),
});

function toText(chain: CertificateChain, links: readonly LinkVerdict[]): string {
  return TREE.map(([depth, name, words = name]) => {
    const verdict = links.find(({ link }) => link === name);
    const mark = verdict?.reason === undefined ? 'ok  ' : 'FAIL';
    return `${mark}  ${'  '.repeat(depth)}${words.padEnd(32 - 2 * depth)}${fingerprintOf(chain, name)}`;
  }).join('\n');
}
