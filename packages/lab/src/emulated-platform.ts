import { createHash } from 'node:crypto';
import { type Entropy, seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { equal, toHex } from '@sevlab/codec/bytes';
import type { PlatformStatusBuffer } from '@sevlab/codec/sev/command';
import { createMachine } from '@sevlab/machine/machine';
import { serve } from '@sevlab/psp-sim/mailbox';
import { emptyNvArea, NV_AREA_SIZE } from '@sevlab/psp-sim/nv-area';
import { PROFILES } from '@sevlab/psp-sim/profile';
import { createSecureProcessor } from '@sevlab/psp-sim/secure-processor';
import { createVmm, type Vmm } from '@sevlab/vmm-sim/vmm';
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

/** A platform that nobody keeps: the one that a scenario with that seed has. */
export function startNewPlatform(entropy: EntropySource): PlatformPublic {
  const vmm = powerOn(entropy);
  vmm.initPlatform();
  return publicSide(vmm, entropy('kds'));
}

/**
 * The platform of a store: its chip and identity, each made now if it is not there yet, and kept. Throws CommandFailed,
 * with SECURE_DATA_INVALID for an identity that this chip did not write, and as the store does.
 */
export function startStoredPlatform(store: PlatformStore, entropy: EntropySource): PlatformPublic {
  const before = store.loadArea();
  const fuses = before === undefined ? chipOf(store, entropy) : store.loadFusesOfArea();
  const { vmm, after } = startWith(fuses, before ?? emptyNvArea(), entropy);
  if (before === undefined) {
    // somebody else was faster: that identity counts
    if (!store.createArea(after)) return startStoredPlatform(store, entropy);
  } else if (!equal(before, after)) {
    store.replaceArea(after);
  }
  return publicSide(vmm);
}

/** Gives the platform of a store another identity; its chip stays. Throws as startStoredPlatform. */
export function renewStoredPlatform(store: PlatformStore, entropy: EntropySource): PlatformPublic {
  const { vmm, after } = startWith(chipOf(store, entropy), emptyNvArea(), entropy);
  store.replaceArea(after);
  return publicSide(vmm);
}

/** The fuses of the store's chip, drawn now if there is none. */
const chipOf = (store: PlatformStore, entropy: EntropySource): Uint8Array =>
  store.loadFuses() ?? store.fuseOnce(chipFuses(entropy));

/** `after` is what the AMD-SP made of the area. */
function startWith(
  cuk: Uint8Array,
  area: Uint8Array,
  entropy: EntropySource,
): { vmm: Vmm; after: Uint8Array } {
  const vmm = powerOn(entropy, cuk);
  const paddr = vmm.initPlatformEx(area);
  return { vmm, after: vmm.host.memory.read(paddr, NV_AREA_SIZE) };
}

function powerOn(entropy: EntropySource, cuk?: Uint8Array): Vmm {
  const observer = createObserver({ record: false });
  const machine = createMachine({ part: PART, encryption: 'XEX', entropy: entropy('machine'), observer });
  const hardware = machine.secureProcessor;
  const secureProcessor = createSecureProcessor({
    profile: PROFILES[PROFILE],
    entropy: entropy('amd-sp'),
    hardware,
    ...(cuk && { cuk }),
  });
  machine.mailbox.connect(serve(secureProcessor, observer));
  return createVmm(machine.host, PART);
}

function publicSide(vmm: Vmm, kds?: Entropy): PlatformPublic {
  const { cek, ...chain } = vmm.exportCertificates();
  // one answer for one chip, whenever somebody asks
  const salt = kds ?? seededEntropy(toHex(createHash('sha256').update(cek).digest()), 'kds');
  return { status: vmm.platformStatus(), certificates: { ...chain, ...endorse(cek, salt) } };
}
