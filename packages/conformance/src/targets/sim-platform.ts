import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver, type Observer } from '@sevlab/ambient/observer';
import { type Gpa, type Spa, spa } from '@sevlab/codec/address';
import { CERT_CHAIN_SIZE, SevCertificate } from '@sevlab/codec/sev/certificate';
import type { Service } from '@sevlab/machine/devices/mailbox';
import { createMachine, type Host, type Machine } from '@sevlab/machine/machine';
import { serve } from '@sevlab/psp-sim/mailbox';
import { PROFILES, type ProfileName } from '@sevlab/psp-sim/profile';
import { createSecureProcessor, type SecureProcessor } from '@sevlab/psp-sim/secure-processor';
import type { FirmwareVersion } from '@sevlab/sev-channel/measurement';
import type { SessionChange } from '../case.ts';
import { type Fields, RawHost } from './raw-host.ts';
import { createTenant, type Tenant } from './tenant.ts';

/** What stands behind the mailbox: psp-sim's own `serve`, or a wrong one that the suite should notice. */
export type Serve = (sp: SecureProcessor, observer: Observer) => Service;

/** A machine with an AMD-SP, for one case. */
export interface Platform {
  readonly raw: RawHost;
  /** The encryption engine, for the examiner only: no host has it. */
  readonly memory: KeyedMemory;
  /** The AMD-SP's version, as it says itself. */
  readonly version: FirmwareVersion;
}

/** Memory through the key of an ASID. */
export interface KeyedMemory {
  readEncrypted(asid: number, address: Spa, length: number): Uint8Array;
  writeEncrypted(asid: number, address: Spa, bytes: Uint8Array): void;
}

/** A simulated one. */
export interface SimPlatform extends Platform {
  readonly raw: RawHost<Host>;
  readonly observer: Observer;
  /** The same past, on hardware of its own from here on. */
  fork(): SimPlatform;
}

/** A machine and its AMD-SP, to be forked. */
interface Chip {
  readonly machine: Machine;
  readonly sp: SecureProcessor;
}

/** A chip that was initialised once, so that its identity lies in its flash: making one takes longer than a case. */
function makeChip(firmware: ProfileName): Chip {
  const observer = createObserver();
  const machine = createMachine({
    part: 'genoa',
    encryption: 'XEX',
    entropy: seededEntropy('conformance', 'machine'),
    observer,
  });
  const sp = createSecureProcessor({
    profile: PROFILES[firmware],
    entropy: seededEntropy('conformance', 'amd-sp'),
    hardware: machine.secureProcessor,
  });
  machine.mailbox.connect(serve(sp, observer));
  const raw = new RawHost(machine.host);
  raw.expect('INIT');
  raw.expect('SHUTDOWN');
  return { machine, sp };
}

const chips = new Map<ProfileName, Chip>();

function chipOf(firmware: ProfileName): Chip {
  const chip = chips.get(firmware) ?? makeChip(firmware);
  chips.set(firmware, chip);
  return chip;
}

/** A machine that was just switched on; nothing was asked of its AMD-SP but its version. */
export function createPlatform(amdSp: Serve, firmware: ProfileName = 'genoa-1.55'): SimPlatform {
  const observer = createObserver();
  const chip = chipOf(firmware);
  const { machine, sp } = forkChip(chip, amdSp, observer);
  const raw = new RawHost(machine.host);
  return platformOf({ machine, sp }, raw, { amdSp, observer, version: versionOf(raw) });
}

/** What PLATFORM_STATUS tells of it. Throws GivenNotReached. */
export function versionOf(raw: RawHost): FirmwareVersion {
  const { apiMajor, apiMinor, build } = raw.expect('PLATFORM_STATUS');
  return { apiMajor: Number(apiMajor), apiMinor: Number(apiMinor), build: Number(build) };
}

function forkChip(chip: Chip, amdSp: Serve, observer: Observer): Chip {
  const machine = chip.machine.fork(observer);
  const sp = chip.sp.fork(machine.secureProcessor);
  machine.mailbox.connect(amdSp(sp, observer));
  return { machine, sp };
}

interface Surroundings {
  readonly amdSp: Serve;
  readonly observer: Observer;
  readonly version: FirmwareVersion;
}

function platformOf(chip: Chip, raw: RawHost<Host>, { amdSp, observer, version }: Surroundings): SimPlatform {
  return {
    ...{ observer, raw, version, memory: chip.machine.memory },
    fork() {
      const forked = forkChip(chip, amdSp, createObserver());
      return platformOf(forked, raw.fork(forked.machine.host), {
        ...{ amdSp, version, observer: forked.machine.observer },
      });
    },
  };
}

/** WBINVD on every core, then DF_FLUSH: ASIDs are usable. Throws GivenNotReached. */
export function flushCaches(raw: RawHost): void {
  raw.host.wbinvd();
  raw.expect('DF_FLUSH');
}

/** A tenant for the platform's PDH of now. Throws GivenNotReached. */
export const meetTenant = (raw: RawHost, z?: SessionChange['z']): Tenant =>
  createTenant(exportCertificates(raw).pdh, z);

/** What PDH_CERT_EXPORT gives: the PDH certificate, and PEK, OCA and CEK in one piece. Throws GivenNotReached. */
export function exportCertificates(raw: RawHost): { pdh: Uint8Array; chain: Uint8Array } {
  const pdhPaddr = raw.reserve(SevCertificate.size);
  const certsPaddr = raw.reserve(CERT_CHAIN_SIZE);
  const lengths = { pdhLen: SevCertificate.size, certsLen: CERT_CHAIN_SIZE };
  raw.expect('PDH_CERT_EXPORT', { pdhPaddr, certsPaddr, ...lengths });
  const { memory } = raw.host;
  return { pdh: memory.read(pdhPaddr, SevCertificate.size), chain: memory.read(certsPaddr, CERT_CHAIN_SIZE) };
}

/** A LAUNCH_START buffer with a tenant's certificate and session. */
export function startFields(
  raw: RawHost,
  policy: number,
  certificate: Uint8Array,
  session: Uint8Array,
): Fields {
  return {
    handle: 0,
    policy,
    dhCertPaddr: raw.place(certificate),
    dhCertLen: certificate.length,
    sessionPaddr: raw.place(session),
    sessionLen: session.length,
  };
}

/** A LAUNCH_SECRET buffer with a packet in host memory. */
export function secretFields(
  raw: RawHost,
  handle: number,
  guestPaddr: Spa,
  { header, data }: { readonly header: Uint8Array; readonly data: Uint8Array },
): Fields {
  return {
    handle,
    hdrPaddr: raw.place(header),
    hdrLen: header.length,
    guestPaddr,
    guestLen: data.length,
    transPaddr: raw.place(data),
    transLen: data.length,
  };
}

/** Where guest memory lies that the machine keeps in one piece. */
export function locateWhole(raw: RawHost, guest: number, address: Gpa, length: number): Spa {
  const places = raw.host.locate(guest, address, length);
  const first = places[0]?.spa;
  if (first === undefined || places.length !== 1)
    throw new Error(`guest memory at ${address} is not in one piece`);
  return spa(first);
}
