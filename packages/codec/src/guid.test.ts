import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHex } from './bytes.ts';
import {
  ACPI_TABLE_GUID,
  DISK_PASSPHRASE_GUID,
  EFI_ACPI_20_TABLE_GUID,
  EFI_MEMORY_ATTRIBUTES_TABLE_GUID,
  EFI_SECRET_TABLE_HEADER_GUID,
  GUID_NAMES,
  type Guid,
  guidFromBytes,
  guidToBytes,
  HOB_LIST_GUID,
  IGVM_METADATA_GUID,
  LINUX_EFI_COCO_SECRET_AREA_GUID,
  NULL_GUID,
  OVMF_TABLE_FOOTER_GUID,
  parseGuid,
  SEV_CMDLINE_HASH_GUID,
  SEV_ES_RESET_BLOCK_GUID,
  SEV_HASH_TABLE_BLOCK_GUID,
  SEV_HASH_TABLE_GUID,
  SEV_INITRD_HASH_GUID,
  SEV_KERNEL_HASH_GUID,
  SEV_METADATA_GUID,
  SEV_SECRET_BLOCK_GUID,
  SMBIOS_TABLE_GUID,
  SMBIOS3_TABLE_GUID,
  TDX_METADATA_GUID,
} from './guid.ts';

/** The bytes are what firmware images, QEMU and Linux hold; Python's uuid.UUID(text).bytes_le gives the same. */
test.each<[Guid, string, string]>([
  [OVMF_TABLE_FOOTER_GUID, '96b582de-1fb2-45f7-baea-a366c55a082d', 'de82b596b21ff745baeaa366c55a082d'],
  [SEV_SECRET_BLOCK_GUID, '4c2eb361-7d9b-4cc3-8081-127c90d3d294', '61b32e4c9b7dc34c8081127c90d3d294'],
  [SEV_HASH_TABLE_BLOCK_GUID, '7255371f-3a3b-4b04-927b-1da6efa8d454', '1f3755723b3a044b927b1da6efa8d454'],
  [SEV_ES_RESET_BLOCK_GUID, '00f771de-1a7e-4fcb-890e-68c77e2fb44e', 'de71f7007e1acb4f890e68c77e2fb44e'],
  [SEV_METADATA_GUID, 'dc886566-984a-4798-a75e-5585a7bf67cc', '666588dc4a989847a75e5585a7bf67cc'],
  [TDX_METADATA_GUID, 'e47a6535-984a-4798-865e-4685a7bf8ec2', '35657ae44a989847865e4685a7bf8ec2'],
  [IGVM_METADATA_GUID, '784fa70e-3176-4677-8a20-04b68699e374', '0ea74f78763177468a2004b68699e374'],
  [SEV_HASH_TABLE_GUID, '9438d606-4f22-4cc9-b479-a793d411fd21', '06d63894224fc94cb479a793d411fd21'],
  [SEV_CMDLINE_HASH_GUID, '97d02dd8-bd20-4c94-aa78-e7714d36ab2a', 'd82dd09720bd944caa78e7714d36ab2a'],
  [SEV_INITRD_HASH_GUID, '44baf731-3a2f-4bd7-9af1-41e29169781d', '31f7ba442f3ad74b9af141e29169781d'],
  [SEV_KERNEL_HASH_GUID, '4de79437-abd2-427f-b835-d5b172d2045b', '3794e74dd2ab7f42b835d5b172d2045b'],
  [
    LINUX_EFI_COCO_SECRET_AREA_GUID,
    'adf956ad-e98c-484c-ae11-b51c7d336447',
    'ad56f9ad8ce94c48ae11b51c7d336447',
  ],
  [ACPI_TABLE_GUID, 'eb9d2d30-2d88-11d3-9a16-0090273fc14d', '302d9deb882dd3119a160090273fc14d'],
  [EFI_ACPI_20_TABLE_GUID, '8868e871-e4f1-11d3-bc22-0080c73c8881', '71e86888f1e4d311bc220080c73c8881'],
  [SMBIOS_TABLE_GUID, 'eb9d2d31-2d88-11d3-9a16-0090273fc14d', '312d9deb882dd3119a160090273fc14d'],
  [SMBIOS3_TABLE_GUID, 'f2fd1544-9794-4a2c-992e-e5bbcf20e394', '4415fdf294972c4a992ee5bbcf20e394'],
  [
    EFI_MEMORY_ATTRIBUTES_TABLE_GUID,
    'dcfa911d-26eb-469f-a220-38b7dc461220',
    '1d91fadceb269f46a22038b7dc461220',
  ],
  [HOB_LIST_GUID, '7739f24c-93d7-11d4-9a3a-0090273fc14d', '4cf23977d793d4119a3a0090273fc14d'],
  [EFI_SECRET_TABLE_HEADER_GUID, '1e74f542-71dd-4d66-963e-ef4287ff173b', '42f5741edd71664d963eef4287ff173b'],
  [DISK_PASSPHRASE_GUID, '736869e5-84f0-4973-92ec-06879ce3da0b', 'e5696873f084734992ec06879ce3da0b'],
  [NULL_GUID, '00000000-0000-0000-0000-000000000000', '00000000000000000000000000000000'],
])('%s: three groups little endian, two as written', (guid, text, wire) => {
  expect(guid).toBe(text);
  expect(guidToBytes(guid)).toEqual(fromHex(wire));
  expect(guidFromBytes(fromHex(wire))).toBe(guid);
});

test('any 16 bytes are a GUID and round-trip', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const guid = guidFromBytes(bytes);
      expect(guidToBytes(guid)).toEqual(bytes);
      expect(parseGuid(guid)).toBe(guid);
    }),
  );
});

test.each(['736869E5-84F0-4973-92EC-06879CE3DA0B', '{736869e5-84f0-4973-92ec-06879ce3da0b}'])(
  'parseGuid reads %s',
  (text) => {
    expect(parseGuid(text)).toBe(DISK_PASSPHRASE_GUID);
  },
);

test.each([
  '',
  'nope',
  '736869e584f0497392ec06879ce3da0b',
  '736869e5-84f0-4973-92ec-06879ce3da0',
  '736869e5-84f0-4973-92ec-06879ce3da0bb',
  '736869g5-84f0-4973-92ec-06879ce3da0b',
  '{736869e5-84f0-4973-92ec-06879ce3da0b',
  ' 736869e5-84f0-4973-92ec-06879ce3da0b',
  '736869e5-84f0-4973-92ec-06879ce3da0b\n',
])('parseGuid refuses %j', (text) => {
  expect(() => parseGuid(text)).toThrow(SyntaxError);
  expect(() => parseGuid(text)).toThrow(`malformed GUID '${text}'; expected 8-4-4-4-12 hexadecimal digits`);
});

test('no two known GUIDs are the same, and no two have one name', () => {
  expect(GUID_NAMES.size).toBe(22);
  expect(new Set(GUID_NAMES.values()).size).toBe(GUID_NAMES.size);
});
