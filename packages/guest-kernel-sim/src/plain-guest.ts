import { seededEntropy } from '@sevlab/ambient/entropy';
import type { Observer } from '@sevlab/ambient/observer';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { concat, utf8 } from '@sevlab/codec/bytes';
import {
  BOOT_PARAMS_SIZE,
  CMD_LINE_PTR_OFFSET,
  E820_ENTRIES_OFFSET,
  E820_TABLE_OFFSET,
  E820_TYPE,
  E820Entry,
  EFI_INFO_OFFSET,
  EFI64_LOADER_SIGNATURE,
  EfiInfo,
} from '@sevlab/codec/efi/boot-params';
import {
  EFI_MEMORY_RUNTIME,
  EFI_MEMORY_TYPE,
  EFI_MEMORY_WB,
  EfiMemoryDescriptor,
} from '@sevlab/codec/efi/memory-map';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import {
  EFI_SYSTEM_TABLE_REVISION,
  EFI_SYSTEM_TABLE_SIGNATURE,
  EfiConfigurationTable,
  EfiSystemTable,
  encodeSystemTable,
} from '@sevlab/codec/efi/system-table';
import { LINUX_EFI_COCO_SECRET_AREA_GUID } from '@sevlab/codec/guid';
import { viewOf } from '@sevlab/codec/layout';
import { createMachine, type GuestContext, type GuestMemory } from '@sevlab/machine/machine';
import type { EncryptionMode } from '@sevlab/machine/xex';

/** The first ASID of a guest without SEV-ES, as the BIOS of a genoa machine is usually set. */
const ASID = 100;
const MEMORY_KEY_SIZE = 32;

/**
 * Runs software in a guest of 128 MiB that nobody launched: its memory key is all zeros. `disk` is attached when
 * given. With the encryption `identity` memory that nobody wrote is zeros, as it is in a guest without SEV.
 */
export function runPlainGuest<T>(
  observer: Observer,
  software: (context: GuestContext) => T,
  {
    disk,
    encryption = 'XEX',
  }: { readonly disk?: Uint8Array | undefined; readonly encryption?: EncryptionMode } = {},
): T {
  const entropy = seededEntropy('plain guest', 'machine');
  const { host, secureProcessor } = createMachine({ part: 'genoa', encryption, entropy, observer });
  const guest = host.createGuest([{ gpa: gpa(0n), length: PLAIN_GUEST.ramSize }]);
  if (disk !== undefined) host.attachDisk(guest, disk);
  secureProcessor.memory.installKey(ASID, new Uint8Array(MEMORY_KEY_SIZE));
  secureProcessor.memory.setRunnable(ASID, true);
  return host.vmrun(guest, ASID, software);
}

const TABLES = 0x820000n;
const PAGE = 4096n;

/** Where things lie in a guest that no firmware prepared. Sizes in bytes. */
export const PLAIN_GUEST = {
  ramSize: 0x800_0000n,
  bootParams: gpa(0x840000n),
  systemTable: gpa(TABLES),
  vendor: gpa(TABLES + 0x100n),
  configurationTable: gpa(TABLES + 0x200n),
  /** The structure that locates the secret area. */
  location: gpa(TABLES + 0x300n),
  memoryMap: gpa(TABLES + 0x1000n),
  /** Behind boot_params, in RAM. */
  commandLine: gpa(0x841000n),
  /** The secret area as OVMF's AmdSev flavour of 2021 to 2023 has it: in a reserved page. */
  area: gpa(0x80c000n),
  areaSize: 0xc00n,
  /** 2 MiB of reserved memory, for areas of other sizes. */
  arena: gpa(0x300_0000n),
} as const;

const {
  EfiConventionalMemory: RAM,
  EfiReservedMemoryType: RESERVED,
  EfiRuntimeServicesData: RUNTIME,
} = EFI_MEMORY_TYPE;

/** First byte, end and EFI type of each region. */
const REGIONS: readonly (readonly [bigint, bigint, number])[] = [
  [0n, 0x9f000n, RAM],
  [0x100000n, 0x80c000n, RAM],
  [0x80c000n, 0x80d000n, RESERVED],
  [0x80d000n, TABLES, RAM],
  [TABLES, 0x830000n, RUNTIME],
  [0x830000n, 0x300_0000n, RAM],
  [0x300_0000n, 0x320_0000n, RESERVED],
  [0x320_0000n, 0x700_0000n, RAM],
  [0x700_0000n, 0x800_0000n, RESERVED],
];

/** What is otherwise in the tables than writePlainGuest() has it. */
export interface TableFaults {
  /** Of what boot_params say of EFI. */
  readonly efiInfo?: Partial<EfiInfo>;
  /** Its CRC is that of the table, unless it is given. */
  readonly systemTable?: Partial<EfiSystemTable>;
  /** The whole configuration table; at most ten entries. Their number is told unless `systemTable` has one. */
  readonly entries?: readonly EfiConfigurationTable[];
  /** The type of the area's page in either map. */
  readonly page?: { readonly e820?: number; readonly efi?: number };
  /** Words in front of those that any kernel here needs; `noefi` stands in place of `efi=noruntime`. */
  readonly commandLine?: string;
  /** Bytes over all that. */
  readonly bytes?: readonly { readonly at: Gpa; readonly bytes: Uint8Array }[];
}

/** Writes boot_params and the EFI tables of a firmware called sev-emu; the location says area and areaSize. */
export function writePlainGuest(
  memory: Pick<GuestMemory, 'writePrivate'>,
  { efiInfo, systemTable, entries = [PUBLISHED], page = {}, commandLine, bytes = [] }: TableFaults = {},
): void {
  const put = (address: Gpa, content: Uint8Array): void => memory.writePrivate(address, content);
  const none = gpa(0n);
  const table = {
    signature: EFI_SYSTEM_TABLE_SIGNATURE,
    revision: EFI_SYSTEM_TABLE_REVISION,
    headerSize: 120,
    firmwareVendor: PLAIN_GUEST.vendor,
    firmwareRevision: 0x10000,
    consoleInHandle: none,
    conIn: none,
    consoleOutHandle: none,
    conOut: none,
    standardErrorHandle: none,
    stdErr: none,
    runtimeServices: none,
    bootServices: none,
    numberOfTableEntries: entries.length,
    configurationTable: PLAIN_GUEST.configurationTable,
    ...systemTable,
  };
  const crc32 = systemTable?.crc32;
  put(
    PLAIN_GUEST.systemTable,
    crc32 === undefined ? encodeSystemTable(table) : EfiSystemTable.encode({ ...table, crc32 }),
  );
  put(PLAIN_GUEST.vendor, ucs2('sev-emu\0'));
  put(PLAIN_GUEST.configurationTable, concat(...entries.map((entry) => EfiConfigurationTable.encode(entry))));
  put(PLAIN_GUEST.location, SecretLocation.encode({ basePa: PLAIN_GUEST.area, size: PLAIN_GUEST.areaSize }));
  const map = concat(
    ...REGIONS.map(([start, end, type]) =>
      memoryDescriptor([start, end, start === PLAIN_GUEST.area ? (page.efi ?? type) : type]),
    ),
  );
  put(PLAIN_GUEST.memoryMap, map);
  const line = commandLineOf(commandLine);
  put(PLAIN_GUEST.commandLine, utf8(`${line}\0`));
  put(PLAIN_GUEST.bootParams, bootParams({ efiMemmapSize: map.length, ...efiInfo }, page.e820));
  for (const { at, bytes: content } of bytes) put(at, content);
}

const PUBLISHED: EfiConfigurationTable = {
  vendorGuid: LINUX_EFI_COCO_SECRET_AREA_GUID,
  vendorTable: PLAIN_GUEST.location,
};

/** There are no runtime services to call, and no ACPI tables. */
export const commandLineOf = (given = ''): string =>
  [given, ...(given.split(' ').includes('noefi') ? [] : ['efi=noruntime']), 'acpi=off']
    .filter((word) => word !== '')
    .join(' ');

const memoryDescriptor = ([start, end, type]: readonly [bigint, bigint, number]): Uint8Array =>
  EfiMemoryDescriptor.encode({
    type,
    physicalStart: gpa(start),
    virtualStart: gpa(0n),
    numberOfPages: (end - start) / PAGE,
    attribute: type === RUNTIME ? EFI_MEMORY_WB | EFI_MEMORY_RUNTIME : EFI_MEMORY_WB,
  });

function bootParams(efiInfo: Partial<EfiInfo>, pageType?: number): Uint8Array {
  const params = new Uint8Array(BOOT_PARAMS_SIZE);
  params.set(
    EfiInfo.encode({
      efiLoaderSignature: EFI64_LOADER_SIGNATURE,
      efiSystab: Number(PLAIN_GUEST.systemTable),
      efiMemdescSize: EfiMemoryDescriptor.size,
      efiMemdescVersion: 1,
      efiMemmap: Number(PLAIN_GUEST.memoryMap),
      efiMemmapSize: 0,
      efiSystabHi: 0,
      efiMemmapHi: 0,
      ...efiInfo,
    }),
    EFI_INFO_OFFSET,
  );
  viewOf(params).setUint32(CMD_LINE_PTR_OFFSET, Number(PLAIN_GUEST.commandLine), true);
  params[E820_ENTRIES_OFFSET] = REGIONS.length;
  REGIONS.forEach(([start, end, efiType], i) => {
    const usual = efiType === RAM ? E820_TYPE.RAM : E820_TYPE.RESERVED;
    const type = start === PLAIN_GUEST.area ? (pageType ?? usual) : usual;
    const entry = E820Entry.encode({ addr: gpa(start), size: end - start, type });
    params.set(entry, E820_TABLE_OFFSET + i * E820Entry.size);
  });
  return params;
}

const ucs2 = (text: string): Uint8Array => new Uint8Array([...utf8(text)].flatMap((unit) => [unit, 0]));
