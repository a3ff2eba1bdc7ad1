import { type Gpa, gpa } from '@sevlab/codec/address';
import {
  E820_ENTRIES_OFFSET,
  E820_TABLE_OFFSET,
  E820Entry,
  EFI_INFO_OFFSET,
  EfiInfo,
} from '@sevlab/codec/efi/boot-params';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import { EfiConfigurationTable, EfiSystemTable } from '@sevlab/codec/efi/system-table';
import { LINUX_EFI_COCO_SECRET_AREA_GUID } from '@sevlab/codec/guid';
import type { GuestMemory } from '@sevlab/machine/machine';
import type { Pipeline } from '../pipeline.ts';
import type { Damage, DamagedThing } from './scenario.ts';
import { bytesOf, ScenarioError } from './values.ts';

/**
 * Something that the firmware left goes wrong inside the guest: private bytes are written, `offset` bytes from the start of
 * it. Throws ScenarioError before the hand-over, and for what is not there any more.
 */
export function damage(pipeline: Pipeline, { of, offset = 0, hex }: Damage): void {
  const { running, bootParams } = pipeline.progress;
  if (running === undefined || bootParams === undefined)
    throw new ScenarioError(
      'attack damage: the firmware has left nothing yet; expected a firmware step before it',
    );
  const bytes = bytesOf({ hex }, '', 'attack damage');
  running.resume(({ memory }) => {
    const start = FIND[of](memory, bootParams);
    if (start === undefined)
      throw new ScenarioError(`attack damage: there is no ${of}; expected a firmware that leaves one`);
    memory.writePrivate(gpa(start + BigInt(offset)), bytes);
  });
}

/** Where each thing starts, or undefined where there is none. */
const FIND: Readonly<Record<DamagedThing, (memory: GuestMemory, bootParams: Gpa) => Gpa | undefined>> = {
  'efi-info': (_, bootParams) => gpa(bootParams + BigInt(EFI_INFO_OFFSET)),
  'system-table': systemTable,
  entry: secretEntry,
  location: secretLocation,
  area: secretArea,
  e820: (memory, bootParams) => {
    const area = secretArea(memory, bootParams);
    const count = memory.readPrivate(gpa(bootParams + BigInt(E820_ENTRIES_OFFSET)), 1)[0]!;
    for (let i = 0; i < count; i++) {
      const at = gpa(bootParams + BigInt(E820_TABLE_OFFSET + i * E820Entry.size));
      if (E820Entry.decode(memory.readPrivate(at, E820Entry.size)).addr === area) return at;
    }
    return undefined;
  },
};

function systemTable(memory: GuestMemory, bootParams: Gpa): Gpa {
  const info = EfiInfo.decode(memory.readPrivate(gpa(bootParams + BigInt(EFI_INFO_OFFSET)), EfiInfo.size));
  return gpa((BigInt(info.efiSystabHi) << 32n) | BigInt(info.efiSystab));
}

function secretEntry(memory: GuestMemory, bootParams: Gpa): Gpa | undefined {
  const at = systemTable(memory, bootParams);
  const table = EfiSystemTable.decode(memory.readPrivate(at, EfiSystemTable.size));
  for (let i = 0; i < table.numberOfTableEntries; i++) {
    const entry = gpa(table.configurationTable + BigInt(i * EfiConfigurationTable.size));
    const { vendorGuid } = EfiConfigurationTable.decode(
      memory.readPrivate(entry, EfiConfigurationTable.size),
    );
    if (vendorGuid === LINUX_EFI_COCO_SECRET_AREA_GUID) return entry;
  }
  return undefined;
}

function secretLocation(memory: GuestMemory, bootParams: Gpa): Gpa | undefined {
  const entry = secretEntry(memory, bootParams);
  if (entry === undefined) return undefined;
  return EfiConfigurationTable.decode(memory.readPrivate(entry, EfiConfigurationTable.size)).vendorTable;
}

function secretArea(memory: GuestMemory, bootParams: Gpa): Gpa | undefined {
  const location = secretLocation(memory, bootParams);
  if (location === undefined) return undefined;
  return SecretLocation.decode(memory.readPrivate(location, SecretLocation.size)).basePa;
}
