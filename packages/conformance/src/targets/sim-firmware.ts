import { type Gpa, gpa, hexAddress, spa } from '@sevlab/codec/address';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import { EFI_INFO_OFFSET, EfiInfo } from '@sevlab/codec/efi/boot-params';
import { EFI_MEMORY_TYPE, EFI_PAGE_SIZE, EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import { EfiConfigurationTable, EfiSystemTable } from '@sevlab/codec/efi/system-table';
import { LINUX_EFI_COCO_SECRET_AREA_GUID } from '@sevlab/codec/guid';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { bootFirmware } from '@sevlab/firmware-sim/boot';
import { buildImage } from '@sevlab/firmware-sim/image';
import { inspectImage } from '@sevlab/firmware-sim/inspect';
import { LAYOUTS } from '@sevlab/firmware-sim/layouts';
import type { GuestMemory } from '@sevlab/machine/machine';
import { serve } from '@sevlab/psp-sim/mailbox';
import type { BuiltImage, FirmwareCase, FirmwareGiven, FirmwareThen } from '../case.ts';
import { tableImageBytes } from '../firmware-image.ts';
import { flipBit } from './faulty-certificate.ts';
import {
  createPlatform,
  flushCaches,
  locateWhole,
  meetTenant,
  secretFields,
  startFields,
} from './sim-platform.ts';
import { sealFaulty } from './tenant.ts';

const ASID = 100;
const POLICY = 1;
const MEMORY_SIZE = 0x800_0000n;
const IMAGE_END = 0x1_0000_0000n;

/** Inspects an image, or launches a guest from it and boots. Throws GivenNotReached. */
export function answerFirmware({ given, when }: FirmwareCase): FirmwareThen {
  const image = imageBytes(given);
  if (when === 'inspect') return inspect(image);
  if (!('layout' in given.image)) throw new Error('an image that is only a table cannot be booted');
  return boot(image, given, given.image);
}

function imageBytes({ image, flip }: FirmwareGiven): Uint8Array {
  const bytes = 'layout' in image ? buildImage(buildOptions(image)) : tableImageBytes(image);
  if (flip !== undefined) flipBit(bytes, (bytes.length - flip.fromEnd) * 8 + flip.bit);
  return bytes;
}

const buildOptions = ({ secretArea, ...options }: BuiltImage) => ({
  ...options,
  ...(secretArea && { secretArea: { base: Number(secretArea.base), size: Number(secretArea.size) } }),
});

function inspect(image: Uint8Array): FirmwareThen {
  const { entries, secretArea } = inspectImage(image);
  return {
    entries: entries.map(({ guid, data }) => ({ guid, data: toHex(data) })),
    secretArea: secretArea ? inHex(secretArea) : 'none',
  };
}

const inHex = ({ base, size }: { base: number | bigint; size: number | bigint }) => ({
  base: hexAddress(BigInt(base)),
  size: hexAddress(BigInt(size)),
});

function boot(image: Uint8Array, { hostFlip, secret }: FirmwareGiven, { layout }: BuiltImage): FirmwareThen {
  const { raw, observer } = createPlatform(serve);
  const { memory } = raw.host;
  const imageAt = gpa(IMAGE_END - BigInt(image.length));
  const guest = raw.host.createGuest([
    { gpa: gpa(0n), length: MEMORY_SIZE },
    { gpa: imageAt, length: BigInt(image.length) },
  ]);
  const { secretArea } = LAYOUTS[layout];
  const area = gpa(BigInt(secretArea.base));

  raw.expect('INIT');
  flushCaches(raw);
  const tenant = meetTenant(raw);
  const start = startFields(raw, POLICY, tenant.certificate(), tenant.session(POLICY));
  const { handle = 0 } = raw.expect('LAUNCH_START', start);
  raw.expect('ACTIVATE', { handle, asid: ASID });
  const paddr = locateWhole(raw, guest, imageAt, image.length);
  memory.write(paddr, image);
  raw.expect('LAUNCH_UPDATE_DATA', { handle, paddr, length: image.length });
  const measurePaddr = raw.reserve(LaunchMeasurement.size);
  raw.expect('LAUNCH_MEASURE', { handle, measurePaddr, measureLen: LaunchMeasurement.size });
  if (secret !== undefined) {
    const measurement = LaunchMeasurement.decode(memory.read(measurePaddr, LaunchMeasurement.size));
    const target = locateWhole(raw, guest, area, secret.length / 2);
    raw.expect(
      'LAUNCH_SECRET',
      secretFields(raw, Number(handle), target, sealFaulty(fromHex(secret), measurement, true)),
    );
  }
  if (hostFlip !== undefined) {
    const at = spa(paddr + BigInt(image.length - hostFlip.fromEnd));
    const cell = memory.read(at, 1);
    flipBit(cell, hostFlip.bit);
    memory.write(at, cell);
  }
  raw.expect('LAUNCH_FINISH', { handle });

  return raw.host.vmrun(guest, ASID, (context): FirmwareThen => {
    const result = bootFirmware({ context, observer, memorySize: MEMORY_SIZE });
    if (result.kind === 'stopped') return { outcome: 'stopped' };
    const info = EfiInfo.decode(
      context.memory.readPrivate(gpa(result.bootParams + BigInt(EFI_INFO_OFFSET)), EfiInfo.size),
    );
    return {
      outcome: 'handover',
      location: locationOf(context.memory, info),
      page: pageAround(context.memory, info, area),
      ...(secret !== undefined && { secret: toHex(context.memory.readPrivate(area, secret.length / 2)) }),
    };
  });
}

const joined = (high: number, low: number): Gpa => gpa((BigInt(high) << 32n) | BigInt(low));

function locationOf(memory: GuestMemory, info: EfiInfo): NonNullable<FirmwareThen['location']> {
  const systab = joined(info.efiSystabHi, info.efiSystab);
  const table = EfiSystemTable.decode(memory.readPrivate(systab, EfiSystemTable.size));
  for (let i = 0; i < table.numberOfTableEntries; i++) {
    const at = gpa(table.configurationTable + BigInt(i * EfiConfigurationTable.size));
    const { vendorGuid, vendorTable } = EfiConfigurationTable.decode(
      memory.readPrivate(at, EfiConfigurationTable.size),
    );
    if (vendorGuid !== LINUX_EFI_COCO_SECRET_AREA_GUID) continue;
    const { basePa, size } = SecretLocation.decode(memory.readPrivate(vendorTable, SecretLocation.size));
    return inHex({ base: basePa, size });
  }
  return 'none';
}

function pageAround(memory: GuestMemory, info: EfiInfo, address: Gpa): NonNullable<FirmwareThen['page']> {
  const map = joined(info.efiMemmapHi, info.efiMemmap);
  for (let offset = 0; offset < info.efiMemmapSize; offset += info.efiMemdescSize) {
    const at = gpa(map + BigInt(offset));
    const descriptor = EfiMemoryDescriptor.decode(memory.readPrivate(at, EfiMemoryDescriptor.size));
    const { physicalStart, numberOfPages, type } = descriptor;
    if (address < physicalStart || address >= physicalStart + numberOfPages * BigInt(EFI_PAGE_SIZE)) continue;
    const names = Object.entries(EFI_MEMORY_TYPE);
    const name = names.find(([, number]) => number === type)?.[0] ?? `type ${type}`;
    return { type: name, alone: physicalStart === address && numberOfPages === 1n };
  }
  return { type: 'none', alone: false };
}
