import { toHex } from '@sevlab/codec/bytes';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { PLATFORM_STATE } from '@sevlab/psp-sim/secure-processor';
import { sevFingerprint } from '@sevlab/sev-channel/fingerprint';
import type { Command } from 'commander';
import { encodeChainFile } from '../certificate-file.ts';
import {
  type PlatformPublic,
  renewStoredPlatform,
  startNewPlatform,
  startStoredPlatform,
} from '../emulated-platform.ts';
import type { PlatformStore } from '../platform-store.ts';
import { DEFAULT_STORE, entropySource, expectChipOf, storeAt, withStore } from './kept-platform.ts';
import { print, printJson, say, writeOutput } from './output.ts';
import { PREDICTABLE } from './seed.ts';

interface StoreOption {
  readonly store?: string;
}

interface ExportOptions extends StoreOption {
  readonly full?: boolean;
  readonly out: string;
  readonly seed?: string;
}

/** sevlab platform export | status | reset */
export function addPlatform(program: Command): void {
  const platform = program
    .command('platform')
    .description('the emulated platform: its certificates, and where its identity is kept');
  const addStore = (command: Command): Command =>
    command.option('--store <folder>', `where the platform is kept (default: ${DEFAULT_STORE})`);

  addStore(platform.command('export'))
    .description('write the certificate chain: PDH, PEK, OCA and CEK, as sevctl export')
    .option('--full', 'ASK and ARK behind it')
    .option('--out <file>', 'where to write it; - is standard output', '-')
    .option('--seed <text>', 'a platform with predictable keys; kept only when --store is given')
    .addHelpText(
      'after',
      '\nThe emulated key distribution service has signed the CEK. With --seed alone, it is the platform that a\n' +
        'scenario with that seed has.',
    )
    .action(({ full, out, seed, store }: ExportOptions) => {
      if (seed !== undefined) say(PREDICTABLE);
      const { certificates } =
        seed !== undefined && store === undefined
          ? startNewPlatform(entropySource(seed))
          : startStored(storeAt(store), seed);
      writeOutput(out, encodeChainFile(certificates, full ?? false));
    });

  addStore(platform.command('status'))
    .description('tell what is kept, and what the platform answers to PLATFORM_STATUS')
    .option('--json', 'one JSON document')
    .action(({ store: folder, json }: StoreOption & { readonly json?: boolean }) => {
      const store = storeAt(folder);
      const kept = withStore(store, () => store.loadArea() !== undefined);
      const started = kept ? startStored(store, undefined) : undefined;
      if (json) printJson({ store: store.folder, identity: started ? toJson(started) : null });
      else
        print(`${store.folder}: ${started ? toText(started) : 'no identity yet; platform export makes one'}`);
    });

  addStore(platform.command('reset'))
    .description(
      'make another identity in the place of the one that is kept; the chip, and with it the CEK, stays',
    )
    .action(({ store: folder }: StoreOption) => {
      const store = storeAt(folder);
      withStore(store, () => renewStoredPlatform(store, entropySource(undefined)));
      say(`${store.folder}: another identity; what was exported before is no longer its chain`);
    });
}

function startStored(store: PlatformStore, seed: string | undefined): PlatformPublic {
  return withStore(store, () => {
    expectChipOf(store, seed);
    return startStoredPlatform(store, entropySource(seed));
  });
}

function fingerprints({ certificates }: PlatformPublic): { name: string; fingerprint: string }[] {
  const names = ['cek', 'oca', 'pek', 'pdh'] as const;
  return names.map((name) => ({
    name: name.toUpperCase(),
    fingerprint: toHex(sevFingerprint(SevCertificate.decode(certificates[name]))),
  }));
}

const stateName = (number: number): string | undefined =>
  Object.entries(PLATFORM_STATE).find(([, state]) => state === number)?.[0];

const toJson = (platform: PlatformPublic) => ({
  apiMajor: platform.status.apiMajor,
  apiMinor: platform.status.apiMinor,
  build: platform.status.build,
  state: stateName(platform.status.state),
  owner: platform.status.owner === 0 ? 'self' : 'external',
  guestCount: platform.status.guestCount,
  fingerprints: Object.fromEntries(
    fingerprints(platform).map(({ name, fingerprint }) => [name, fingerprint]),
  ),
});

function toText(platform: PlatformPublic): string {
  const { apiMajor, apiMinor, build, state, owner, guestCount } = toJson(platform);
  const lines = fingerprints(platform).map(({ name, fingerprint }) => `  ${name} ${fingerprint}`);
  return [
    `API ${apiMajor}.${apiMinor} build ${build}, ${state}, ${owner}-owned, ${guestCount} guests`,
    ...lines,
  ].join('\n');
}
