import { guestAddress } from '../address.ts';
import { ascii, at, reserved, struct, u8, u32le, type ValueOf } from '../layout.ts';

export const FACS_SIGNATURE = 'FACS';

/** What firmware and operating system share: it has no checksum, and begins at a multiple of 64. 64 bytes. */
export const Facs = struct(
  'Firmware ACPI Control Structure',
  'ACPI specification, Firmware ACPI Control Structure',
  {
    signature: at(0x00, ascii(4), '"FACS".'),
    length: at(0x04, u32le, 'Length of this structure, in bytes.'),
    hardwareSignature: at(0x08, u32le, 'Another value after S4: the hardware changed.'),
    firmwareWakingVector: at(0x0c, u32le, 'Where firmware goes on after S3, in real mode.'),
    globalLock: at(0x10, u32le, 'Bit 0 pending, bit 1 owned.'),
    flags: at(0x14, u32le, 'Bit 0: S4BIOS is there.'),
    xFirmwareWakingVector: at(
      0x18,
      guestAddress,
      'Where firmware goes on after S3, in protected or long mode.',
    ),
    version: at(0x20, u8, '0 for ACPI 1.0, 1 for what is laid out like this.'),
    reserved21: at(0x21, reserved(31), ''),
  },
);
export type Facs = ValueOf<typeof Facs>;
