import { at, nested, reserved, struct, u8, u16le, u32le, type ValueOf } from '../layout.ts';
import { AcpiDescriptionHeader } from './description-header.ts';

export const MADT_SIGNATURE = 'APIC';

/** The machine also has two 8259 interrupt controllers (ACPI specification, Multiple APIC Flags). */
export const MADT_PCAT_COMPAT = 0x0000_0001;

/** Types of the structures behind the table (ACPI specification, Interrupt Controller Structure Types). */
export const MADT_LOCAL_APIC = 0;
export const MADT_IO_APIC = 1;
export const MADT_INTERRUPT_SOURCE_OVERRIDE = 2;

/** The processor can be used (ACPI specification, Local APIC Flags). */
export const LOCAL_APIC_ENABLED = 0x0000_0001;

/** Interrupt controllers and processors; structures of various types follow. 44 bytes. */
export const Madt = struct(
  'Multiple APIC Description Table',
  'ACPI specification, Multiple APIC Description Table',
  {
    header: at(0x00, nested(AcpiDescriptionHeader), '"APIC".'),
    localInterruptControllerAddress: at(
      0x24,
      u32le,
      'Physical address at which each processor sees its own.',
    ),
    flags: at(0x28, u32le, 'MADT_… bits.'),
  },
);
export type Madt = ValueOf<typeof Madt>;

/** One processor. 8 bytes. */
export const ProcessorLocalApic = struct(
  'Processor Local APIC Structure',
  'ACPI specification, Processor Local APIC Structure',
  {
    type: at(0x00, u8, '0.'),
    length: at(0x01, u8, '8.'),
    acpiProcessorUid: at(0x02, u8, 'Of the processor in the namespace.'),
    apicId: at(0x03, u8, 'Of its local APIC.'),
    flags: at(0x04, u32le, 'LOCAL_APIC_… bits.'),
  },
);

/** One I/O APIC. 12 bytes. */
export const IoApic = struct('I/O APIC Structure', 'ACPI specification, I/O APIC Structure', {
  type: at(0x00, u8, '1.'),
  length: at(0x01, u8, '12.'),
  ioApicId: at(0x02, u8, 'Its ID.'),
  reserved03: at(0x03, reserved(1), ''),
  ioApicAddress: at(0x04, u32le, 'Physical address.'),
  globalSystemInterruptBase: at(0x08, u32le, 'Number of its first input.'),
});

/** An ISA interrupt that is not the global system interrupt of the same number. 10 bytes. */
export const InterruptSourceOverride = struct(
  'Interrupt Source Override Structure',
  'ACPI specification, Interrupt Source Override Structure',
  {
    type: at(0x00, u8, '2.'),
    length: at(0x01, u8, '10.'),
    bus: at(0x02, u8, '0: ISA.'),
    source: at(0x03, u8, 'The interrupt on the bus.'),
    globalSystemInterrupt: at(0x04, u32le, 'What it is instead.'),
    flags: at(0x08, u16le, 'Polarity and trigger mode; 0: as the bus has them.'),
  },
);
