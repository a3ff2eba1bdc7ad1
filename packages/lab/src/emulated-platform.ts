import { createHash } from 'node:crypto';
import { type Entropy, seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver, type Observer } from '@sevlab/ambient/observer';
import { equal, toHex } from '@sevlab/codec/bytes';
import type { PlatformStatusBuffer } from '@sevlab/codec/sev/command';
import { createMachine, type Machine } from '@sevlab/machine/machine';
import { serve } from '@sevlab/psp-sim/mailbox';
import { emptyNvArea, NV_AREA_SIZE } from '@sevlab/psp-sim/nv-area';
import { PROFILES } from '@sevlab/psp-sim/profile';
import { createSecureProcessor, type SecureProcessor } from '@sevlab/psp-sim/secure-processor';
import { createVmm, type PlatformUse, type Vmm } from '@sevlab/vmm-sim/vmm';
import type { CertificateBytes } from './certificate-file.ts';
import { endorse } from './key-distribution-service.ts';
import type { PlatformStore } from './platform-store.ts';

/** What a started platform tells everybody. */
export interface PlatformPublic {
  readonly status: PlatformStatusBuffer;
  readonly certificates: CertificateBytes;
}

/** Gives each actor the random bytes that it draws. */
export type EntropySource = (actor: string) => Entropy;

/** The fuses of the chip that this source makes for a store, 32 bytes. */
export const chipFuses = (entropy: EntropySource): Uint8Array => entropy('fuses').bytes(32);

const PART = 'genoa';
const PROFILE = 'genoa-1.55';

/** A platform at work, and the machine that it is part of. */
export interface StartedPlatform {
  readonly vmm: Vmm;
  readonly machine: Machine;
  readonly observer: Observer;
  /** What no host has: only for explanations to the person at the terminal. */
  readonly secureProcessor: SecureProcessor;
}

/** How a platform is started. */
export interface StartOptions extends PlatformUse {
  /** Whether a trace is recorded. Default: false. */
  readonly record?: boolean;
}

/** A platform that nobody keeps: the one that a scenario with that seed has. Throws CommandFailed. */
export function startFreshPlatform(entropy: EntropySource, options: StartOptions = {}): StartedPlatform {
  const platform = powerOn(entropy, options);
  platform.vmm.initPlatform(options);
  return platform;
}

/** What that platform tells everybody. */
export const startNewPlatform = (entropy: EntropySource): PlatformPublic =>
  publicSide(startFreshPlatform(entropy).vmm, entropy('kds'));

/**
 * The platform of a store: its chip and identity, each made now if it is not there yet, and kept. Throws CommandFailed,
 * with SECURE_DATA_INVALID for an identity that this chip did not write, and as the store does.
 */
export function startKeptPlatform(
  store: PlatformStore,
  entropy: EntropySource,
  options: StartOptions = {},
): StartedPlatform {
  const before = store.loadArea();
  const fuses = before === undefined ? chipOf(store, entropy) : store.loadFusesOfArea();
  const { platform, after } = startWith(fuses, before ?? emptyNvArea(), { entropy, ...options });
  if (before === undefined) {
    // somebody else was faster: that identity counts
    if (!store.createArea(after)) return startKeptPlatform(store, entropy, options);
  } else if (!equal(before, after)) {
    store.replaceArea(after);
  }
  return platform;
}

/** What the platform of a store tells everybody. Throws as startKeptPlatform. */
export const startStoredPlatform = (store: PlatformStore, entropy: EntropySource): PlatformPublic =>
  publicSide(startKeptPlatform(store, entropy).vmm);

/** Gives the platform of a store another identity; its chip stays. Throws as startKeptPlatform. */
export function renewStoredPlatform(store: PlatformStore, entropy: EntropySource): PlatformPublic {
  const { platform, after } = startWith(chipOf(store, entropy), emptyNvArea(), { entropy });
  store.replaceArea(after);
  return publicSide(platform.vmm);
}

/** The fuses of the store's chip, drawn now if there is none. */
const chipOf = (store: PlatformStore, entropy: EntropySource): Uint8Array =>
  store.loadFuses() ?? store.fuseOnce(chipFuses(entropy));

/** `after` is what the AMD-SP made of the area. */
function startWith(
  cuk: Uint8Array,
  area: Uint8Array,
  { entropy, ...options }: StartOptions & { readonly entropy: EntropySource },
): { platform: StartedPlatform; after: Uint8Array } {
  const platform = powerOn(entropy, options, cuk);
  const paddr = platform.vmm.initPlatformEx(area, options);
  return { platform, after: platform.vmm.host.memory.read(paddr, NV_AREA_SIZE) };
}

function powerOn(
  entropy: EntropySource,
  { record = false }: StartOptions,
  cuk?: Uint8Array,
): StartedPlatform {
  const observer = createObserver({ record });
  const machine = createMachine({ part: PART, encryption: 'XEX', entropy: entropy('machine'), observer });
  const hardware = machine.secureProcessor;
  const secureProcessor = createSecureProcessor({
    profile: PROFILES[PROFILE],
    entropy: entropy('amd-sp'),
    hardware,
    ...(cuk && { cuk }),
  });
  machine.mailbox.connect(serve(secureProcessor, observer));
  return { vmm: createVmm(machine.host, PART), machine, observer, secureProcessor };
}

function publicSide(vmm: Vmm, kds?: Entropy): PlatformPublic {
  const { cek, ...chain } = vmm.exportCertificates();
  // one answer for one chip, whenever somebody asks
  const salt = kds ?? seededEntropy(toHex(createHash('sha256').update(cek).digest()), 'kds');
  return { status: vmm.platformStatus(), certificates: { ...chain, ...endorse(cek, salt) } };
}
