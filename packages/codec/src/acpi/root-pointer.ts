import { guestAddress } from '../address.ts';
import { withChecksum8 } from '../checksum8.ts';
import { ascii, at, reserved, struct, u8, u32le, type ValueOf } from '../layout.ts';

/** With the blank at its end. */
export const RSDP_SIGNATURE = 'RSD PTR ';

const ACPI_1_0_FIELDS = {
  signature: at(0x00, ascii(8), '"RSD PTR ".'),
  checksum: at(0x08, u8, 'Makes the first 20 bytes add up to zero.'),
  oemId: at(0x09, ascii(6), 'Who supplies the tables.'),
  revision: at(0x0f, u8, '0 for ACPI 1.0, 2 for what is larger.'),
  rsdtAddress: at(0x10, u32le, 'Address of the RSDT.'),
};

/** As ACPI 1.0 has it. 20 bytes. */
export const Rsdp10 = struct('RSDP, ACPI 1.0', 'ACPI specification, RSDP Structure', ACPI_1_0_FIELDS);
export type Rsdp10 = ValueOf<typeof Rsdp10>;

/** Where an operating system starts to look for tables. 36 bytes. */
export const Rsdp = struct('RSDP', 'ACPI specification, RSDP Structure', {
  ...ACPI_1_0_FIELDS,
  length: at(0x14, u32le, 'Of this structure, in bytes.'),
  xsdtAddress: at(0x18, guestAddress, 'Address of the XSDT, which is to be used when there is one.'),
  extendedChecksum: at(0x20, u8, 'Makes all 36 bytes add up to zero.'),
  reserved21: at(0x21, reserved(3), ''),
});
export type Rsdp = ValueOf<typeof Rsdp>;

const CHECKSUM_OFFSET = 0x08;
const EXTENDED_CHECKSUM_OFFSET = 0x20;

/** ACPI 1.0's structure. */
export const encodeRsdp10 = (oemId: string, rsdtAddress: number): Uint8Array =>
  withChecksum8(
    Rsdp10.encode({ signature: RSDP_SIGNATURE, checksum: 0, oemId, revision: 0, rsdtAddress }),
    CHECKSUM_OFFSET,
  );

/** The structure of ACPI 2.0 and later, with both checksums. */
export function encodeRsdp(tables: Pick<Rsdp, 'oemId' | 'rsdtAddress' | 'xsdtAddress'>): Uint8Array {
  const rsdp = Rsdp.encode({
    signature: RSDP_SIGNATURE,
    checksum: 0,
    revision: 2,
    length: Rsdp.size,
    extendedChecksum: 0,
    ...tables,
  });
  rsdp.set(withChecksum8(rsdp.subarray(0, Rsdp10.size), CHECKSUM_OFFSET));
  return withChecksum8(rsdp, EXTENDED_CHECKSUM_OFFSET);
}
