import { guestAddress } from '../address.ts';
import { at, nested, reserved, struct, u8, u16le, u32le, u64le, type ValueOf } from '../layout.ts';
import { AcpiDescriptionHeader } from './description-header.ts';

/** ADDRESS_SPACE_ID (ACPI specification, Generic Address Structure). */
export const ADDRESS_SPACE = { SystemMemory: 0, SystemIO: 1 } as const;

/** Where a register is. 12 bytes. */
export const GenericAddress = struct(
  'Generic Address Structure',
  'ACPI specification, Generic Address Structure',
  {
    addressSpaceId: at(0x00, u8, 'ADDRESS_SPACE.'),
    registerBitWidth: at(0x01, u8, 'Bits.'),
    registerBitOffset: at(0x02, u8, 'First bit, from the address on.'),
    accessSize: at(0x03, u8, '0 undefined, 1 byte, 2 word, 3 dword, 4 qword.'),
    address: at(0x04, u64le, 'In its address space; 0 for a register that is not there.'),
  },
);
export type GenericAddress = ValueOf<typeof GenericAddress>;

export const FADT_SIGNATURE = 'FACP';
/** Of the layout of ACPI 2.0, which is the one below. */
export const FADT_REVISION = 3;

/** Bit of IAPC_BOOT_ARCH (ACPI specification, IA-PC Boot Architecture Flags): there is a keyboard controller. */
export const IAPC_8042 = 0x0002;

/** Bits of Flags (ACPI specification, Fixed Feature Flags): those that QEMU sets for q35. */
export const FADT_FLAG = {
  /** The processor has the instruction WBINVD. */
  WBINVD: 0x0000_0001,
  /** All processors have C1. */
  PROC_C1: 0x0000_0004,
  /** No sleep button, or one that is a device of the namespace. */
  SLP_BUTTON: 0x0000_0020,
  /** The RTC can wake the system from S4. */
  RTC_S4: 0x0000_0080,
  /** RESET_REG is there. */
  RESET_REG_SUP: 0x0000_0400,
  /** Time is to be taken from the PM timer and its like, not from the processor. */
  USE_PLATFORM_CLOCK: 0x0000_8000,
} as const;

/** P_LVL2_LAT above 100 and P_LVL3_LAT above 1000 (microseconds): there is no such state. */
export const FADT_NO_C2_C3 = 0x0fff;

/** What the chipset's power management registers are, and where. 244 bytes. */
export const Fadt = struct(
  'Fixed ACPI Description Table',
  'ACPI specification, Fixed ACPI Description Table',
  {
    header: at(0x00, nested(AcpiDescriptionHeader), '"FACP".'),
    firmwareCtrl: at(0x24, u32le, 'Address of the FACS.'),
    dsdt: at(0x28, u32le, 'Address of the DSDT.'),
    reserved2c: at(0x2c, reserved(1), "ACPI 1.0's INT_MODEL."),
    preferredPmProfile: at(0x2d, u8, '0 unspecified.'),
    sciInt: at(0x2e, u16le, 'Interrupt of power management events.'),
    smiCmd: at(0x30, u32le, 'Port that switches ACPI mode; 0: it is always on.'),
    acpiEnable: at(0x34, u8, 'Value that switches it on.'),
    acpiDisable: at(0x35, u8, 'Value that switches it off.'),
    s4biosReq: at(0x36, u8, 'Value that enters S4BIOS.'),
    pstateCnt: at(0x37, u8, 'Value that takes over processor performance control.'),
    pm1aEvtBlk: at(0x38, u32le, 'Port of the PM1a event block.'),
    pm1bEvtBlk: at(0x3c, u32le, 'Port of the PM1b event block.'),
    pm1aCntBlk: at(0x40, u32le, 'Port of the PM1a control block.'),
    pm1bCntBlk: at(0x44, u32le, 'Port of the PM1b control block.'),
    pm2CntBlk: at(0x48, u32le, 'Port of the PM2 control block.'),
    pmTmrBlk: at(0x4c, u32le, 'Port of the PM timer.'),
    gpe0Blk: at(0x50, u32le, 'Port of general-purpose event block 0.'),
    gpe1Blk: at(0x54, u32le, 'Port of general-purpose event block 1.'),
    pm1EvtLen: at(0x58, u8, 'Bytes.'),
    pm1CntLen: at(0x59, u8, 'Bytes.'),
    pm2CntLen: at(0x5a, u8, 'Bytes.'),
    pmTmrLen: at(0x5b, u8, 'Bytes.'),
    gpe0BlkLen: at(0x5c, u8, 'Bytes: the first half status, the second enable.'),
    gpe1BlkLen: at(0x5d, u8, 'Bytes.'),
    gpe1Base: at(0x5e, u8, 'Number of the first event of block 1.'),
    cstCnt: at(0x5f, u8, 'Value that takes over processor power states.'),
    pLvl2Lat: at(0x60, u16le, 'Latency of C2, in microseconds.'),
    pLvl3Lat: at(0x62, u16le, 'Latency of C3, in microseconds.'),
    flushSize: at(0x64, u16le, 'Only where there is no WBINVD.'),
    flushStride: at(0x66, u16le, 'Only where there is no WBINVD.'),
    dutyOffset: at(0x68, u8, 'First bit of the duty cycle in P_CNT.'),
    dutyWidth: at(0x69, u8, 'Bits of the duty cycle.'),
    dayAlrm: at(0x6a, u8, 'RTC register of the day of the alarm; 0: none.'),
    monAlrm: at(0x6b, u8, 'RTC register of the month of the alarm; 0: none.'),
    century: at(0x6c, u8, 'RTC register of the century; 0: none.'),
    iapcBootArch: at(0x6d, u16le, 'IAPC_8042 among others.'),
    reserved6f: at(0x6f, reserved(1), ''),
    flags: at(0x70, u32le, 'FADT_FLAG bits.'),
    resetReg: at(0x74, nested(GenericAddress), 'Register that resets the machine.'),
    resetValue: at(0x80, u8, 'Value that resets it.'),
    reserved81: at(0x81, reserved(3), "ARM_BOOT_ARCH and FADT Minor Version since revision 5's."),
    xFirmwareCtrl: at(0x84, guestAddress, 'Address of the FACS; 0 where FIRMWARE_CTRL says it.'),
    xDsdt: at(0x8c, guestAddress, 'Address of the DSDT.'),
    xPm1aEvtBlk: at(0x94, nested(GenericAddress), 'PM1a event block.'),
    xPm1bEvtBlk: at(0xa0, nested(GenericAddress), 'PM1b event block.'),
    xPm1aCntBlk: at(0xac, nested(GenericAddress), 'PM1a control block.'),
    xPm1bCntBlk: at(0xb8, nested(GenericAddress), 'PM1b control block.'),
    xPm2CntBlk: at(0xc4, nested(GenericAddress), 'PM2 control block.'),
    xPmTmrBlk: at(0xd0, nested(GenericAddress), 'PM timer.'),
    xGpe0Blk: at(0xdc, nested(GenericAddress), 'General-purpose event block 0.'),
    xGpe1Blk: at(0xe8, nested(GenericAddress), 'General-purpose event block 1.'),
  },
);
export type Fadt = ValueOf<typeof Fadt>;
