import { validate } from 'uuid';
import { HEX } from './bytes.ts';
import { type FieldType, viewOf } from './layout.ts';

declare const guidText: unique symbol;

/** A GUID as 36 characters of lower-case text. */
export type Guid = string & { readonly [guidText]: true };

/**
 * Wire order of the 16 bytes in the text: the first three groups are little endian, the last two as written
 * (UEFI specification, appendix A).
 */
const WIRE_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/** 16 bytes in EFI's mixed-endian order → text. Any 16 bytes are accepted: RFC 9562 variants mean nothing here. */
export const guidFromBytes = (wire: Uint8Array): Guid => guidAt(viewOf(wire), 0);

function guidAt(view: DataView, offset: number): Guid {
  let text = '';
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
    text += HEX[view.getUint8(offset + WIRE_ORDER[i]!)]!;
  }
  return text as Guid; // 32 digits and four hyphens
}

/** Text → 16 bytes in EFI's mixed-endian order. */
export function guidToBytes(guid: Guid): Uint8Array {
  const wire = new Uint8Array(16);
  let digit = 0;
  for (let i = 0; i < 16; i++) {
    if (guid.charCodeAt(digit) === HYPHEN) digit++;
    wire[WIRE_ORDER[i]!] = (nibble(guid.charCodeAt(digit)) << 4) | nibble(guid.charCodeAt(digit + 1));
    digit += 2;
  }
  return wire;
}

const HYPHEN = 0x2d;

/** Of a lower-case hexadecimal digit. */
const nibble = (character: number): number => (character > 0x39 ? character - 0x57 : character - 0x30);

/** Accepts upper and lower case, and braces as some tools print them. Throws SyntaxError. */
export function parseGuid(text: string): Guid {
  const bare = text.replace(/^\{(.*)\}$/, '$1').toLowerCase();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(bare)) {
    throw new SyntaxError(
      `malformed GUID '${text}'; expected 8-4-4-4-12 hexadecimal digits such as 736869e5-84f0-4973-92ec-06879ce3da0b`,
    );
  }
  return bare as Guid; // the pattern above is what a Guid is
}

/** A GUID constant of this source: a typing mistake in one fails when the module loads. */
function wellKnown(text: string): Guid {
  if (!validate(text)) throw new Error(`${text} is not a UUID`);
  return parseGuid(text);
}

/** 16 bytes of a GUID in EFI's mixed-endian order. */
export const guid: FieldType<Guid> = {
  type: 'guid',
  size: 16,
  alignment: 1,
  read: guidAt,
  write: (view, offset, value) =>
    new Uint8Array(view.buffer, view.byteOffset + offset, 16).set(guidToBytes(value)),
};

/** Marks an entry whose secret was deleted (efi_secret.c, NULL_GUID). */
export const NULL_GUID: Guid = parseGuid('00000000-0000-0000-0000-000000000000');

/** include/linux/efi.h, LINUX_EFI_COCO_SECRET_AREA_GUID: the configuration table that locates the secret area. */
export const LINUX_EFI_COCO_SECRET_AREA_GUID: Guid = wellKnown('adf956ad-e98c-484c-ae11-b51c7d336447');

/** UEFI specification, EFI Configuration Table, as are the next three: the RSDP of ACPI 1.0. */
export const ACPI_TABLE_GUID: Guid = wellKnown('eb9d2d30-2d88-11d3-9a16-0090273fc14d');

/** The RSDP of ACPI 2.0 and later. */
export const EFI_ACPI_20_TABLE_GUID: Guid = wellKnown('8868e871-e4f1-11d3-bc22-0080c73c8881');

/** The entry point of SMBIOS 2.1 to 2.8. */
export const SMBIOS_TABLE_GUID: Guid = wellKnown('eb9d2d31-2d88-11d3-9a16-0090273fc14d');

/** The entry point of SMBIOS 3.0 and later. */
export const SMBIOS3_TABLE_GUID: Guid = wellKnown('f2fd1544-9794-4a2c-992e-e5bbcf20e394');

/** UEFI specification, EFI_MEMORY_ATTRIBUTES_TABLE: what run time memory may be used for. */
export const EFI_MEMORY_ATTRIBUTES_TABLE_GUID: Guid = wellKnown('dcfa911d-26eb-469f-a220-38b7dc461220');

/** edk2 MdePkg/Include/Guid/HobList.h, gEfiHobListGuid: what PEI handed to DXE. */
export const HOB_LIST_GUID: Guid = wellKnown('7739f24c-93d7-11d4-9a3a-0090273fc14d');

/** efi_secret.c, EFI_SECRET_TABLE_HEADER_GUID: the first 16 bytes of a populated secret area. */
export const EFI_SECRET_TABLE_HEADER_GUID: Guid = wellKnown('1e74f542-71dd-4d66-963e-ef4287ff173b');

/** ResetVectorVtf0: the footer of the GUIDed table, 48 bytes before the end of the image. */
export const OVMF_TABLE_FOOTER_GUID: Guid = wellKnown('96b582de-1fb2-45f7-baea-a366c55a082d');

/** ResetVectorVtf0, sevSecretBlockStart: base and size of the launch secret area. */
export const SEV_SECRET_BLOCK_GUID: Guid = wellKnown('4c2eb361-7d9b-4cc3-8081-127c90d3d294');

/** ResetVectorVtf0, sevFwHashBlockStart: base and size of the kernel hashes area. */
export const SEV_HASH_TABLE_BLOCK_GUID: Guid = wellKnown('7255371f-3a3b-4b04-927b-1da6efa8d454');

/** ResetVectorVtf0, sevEsResetBlockStart: where application processors of SEV-ES guests start. */
export const SEV_ES_RESET_BLOCK_GUID: Guid = wellKnown('00f771de-1a7e-4fcb-890e-68c77e2fb44e');

/** ResetVectorVtf0, OvmfSevMetadata: distance of the "ASEV" structure from the end of the image. */
export const SEV_METADATA_GUID: Guid = wellKnown('dc886566-984a-4798-a75e-5585a7bf67cc');

/** ResetVectorVtf0: distance of the "TDVF" structure from the end of the image. */
export const TDX_METADATA_GUID: Guid = wellKnown('e47a6535-984a-4798-865e-4685a7bf8ec2');

/** ResetVectorVtf0: distance of the "IGVM" structure from the end of the image. */
export const IGVM_METADATA_GUID: Guid = wellKnown('784fa70e-3176-4677-8a20-04b68699e374');

/** BlobVerifierSevHashes.c: the first 16 bytes of the table of kernel hashes, in the area that QEMU fills. */
export const SEV_HASH_TABLE_GUID: Guid = wellKnown('9438d606-4f22-4cc9-b479-a793d411fd21');

/** BlobVerifierSevHashes.c: the entry with the hash of the kernel's command line. */
export const SEV_CMDLINE_HASH_GUID: Guid = wellKnown('97d02dd8-bd20-4c94-aa78-e7714d36ab2a');

/** BlobVerifierSevHashes.c: the entry with the hash of the initial RAM disk. */
export const SEV_INITRD_HASH_GUID: Guid = wellKnown('44baf731-3a2f-4bd7-9af1-41e29169781d');

/** BlobVerifierSevHashes.c: the entry with the hash of the kernel. */
export const SEV_KERNEL_HASH_GUID: Guid = wellKnown('4de79437-abd2-427f-b835-d5b172d2045b');

/** Ours: distance of sevlab's manifest from the end of an image that `firmware-sim` built. */
export const SEVLAB_MANIFEST_GUID: Guid = wellKnown('5e71ab00-8d0e-4c55-9f0a-5ec7e7a9e001');

/** The passphrase of an encrypted disk, as GRUB, sevctl and libvirt know it. */
export const DISK_PASSPHRASE_GUID: Guid = wellKnown('736869e5-84f0-4973-92ec-06879ce3da0b');

/** What a GUID is called where it is shown to people. */
export const GUID_NAMES: ReadonlyMap<Guid, string> = new Map([
  [LINUX_EFI_COCO_SECRET_AREA_GUID, 'LINUX_EFI_COCO_SECRET_AREA_GUID'],
  [EFI_SECRET_TABLE_HEADER_GUID, 'EFI_SECRET_TABLE_HEADER_GUID'],
  [ACPI_TABLE_GUID, 'ACPI 1.0'],
  [EFI_ACPI_20_TABLE_GUID, 'ACPI 2.0'],
  [SMBIOS_TABLE_GUID, 'SMBIOS'],
  [SMBIOS3_TABLE_GUID, 'SMBIOS 3.0'],
  [EFI_MEMORY_ATTRIBUTES_TABLE_GUID, 'memory attributes'],
  [HOB_LIST_GUID, 'HOB list'],
  [OVMF_TABLE_FOOTER_GUID, 'OVMF table footer'],
  [SEV_SECRET_BLOCK_GUID, 'SEV secret block'],
  [SEV_HASH_TABLE_BLOCK_GUID, 'SEV hash table block'],
  [SEV_ES_RESET_BLOCK_GUID, 'SEV-ES reset block'],
  [SEV_METADATA_GUID, 'SEV metadata offset'],
  [TDX_METADATA_GUID, 'TDX metadata offset'],
  [IGVM_METADATA_GUID, 'IGVM metadata offset'],
  [SEV_HASH_TABLE_GUID, 'SEV hash table'],
  [SEV_CMDLINE_HASH_GUID, 'SEV cmdline hash'],
  [SEV_INITRD_HASH_GUID, 'SEV initrd hash'],
  [SEV_KERNEL_HASH_GUID, 'SEV kernel hash'],
  [SEVLAB_MANIFEST_GUID, 'sevlab manifest offset'],
  [DISK_PASSPHRASE_GUID, 'disk passphrase'],
  [NULL_GUID, 'NULL_GUID'],
]);
