import { AcpiDescriptionHeader, sealAcpiTable } from '@sevlab/codec/acpi/description-header';
import { FACS_SIGNATURE, Facs } from '@sevlab/codec/acpi/facs';
import {
  ADDRESS_SPACE,
  FADT_FLAG,
  FADT_NO_C2_C3,
  FADT_REVISION,
  FADT_SIGNATURE,
  Fadt,
  type GenericAddress,
  IAPC_8042,
} from '@sevlab/codec/acpi/fadt';
import {
  InterruptSourceOverride,
  IoApic,
  LOCAL_APIC_ENABLED,
  MADT_INTERRUPT_SOURCE_OVERRIDE,
  MADT_IO_APIC,
  MADT_LOCAL_APIC,
  MADT_PCAT_COMPAT,
  MADT_SIGNATURE,
  Madt,
  ProcessorLocalApic,
} from '@sevlab/codec/acpi/madt';
import { encodeRsdp, encodeRsdp10, Rsdp10 } from '@sevlab/codec/acpi/root-pointer';
import { type Gpa, gpa, guestAddress } from '@sevlab/codec/address';
import { concat, padTo } from '@sevlab/codec/bytes';
import type { EfiConfigurationTable } from '@sevlab/codec/efi/system-table';
import { ACPI_TABLE_GUID, EFI_ACPI_20_TABLE_GUID } from '@sevlab/codec/guid';
import { type FieldType, u32le, viewOf } from '@sevlab/codec/layout';
import type { GuestMemory } from '@sevlab/machine/machine';
import { type Pool, placeInPages } from './pool.ts';

const OEM_ID = 'SEVLAB';
const OEM_TABLE_ID = 'EMULATED';
const CREATOR_ID = 'SVLB';

/** Power management registers of q35 (QEMU hw/acpi/ich9.c), from the port on that OVMF sets. Ports and bytes. */
const PMBASE = 0x600;
const PM1A_EVT = { port: PMBASE, bytes: 4 };
const PM1A_CNT = { port: PMBASE + 0x04, bytes: 2 };
const PM_TMR = { port: PMBASE + 0x08, bytes: 4 };
const GPE0 = { port: PMBASE + 0x20, bytes: 16 };

/** Its system control interrupt, reset register, and the RTC's register of the century (QEMU hw/i386/acpi-build.c). */
const SCI_INT = 9;
const RESET = { port: 0xcf9, bytes: 1 };
const RESET_VALUE = 0x0f;
const RTC_CENTURY = 0x32;

/** Its interrupt controllers; the timer's interrupt 0 is input 2 of the I/O APIC (QEMU hw/i386/acpi-common.c). */
const LOCAL_APIC_ADDRESS = 0xfee0_0000;
const IO_APIC_ADDRESS = 0xfec0_0000;
const PIT_IRQ = 0;
const PIT_GSI = 2;

/** edk2 gives an RSDT room for 20 entries (AcpiTableDxe, EFI_ACPI_MAX_NUM_TABLES). Bytes. */
const RSDT_ROOM = AcpiDescriptionHeader.size + 20 * 4;

/**
 * The tables of QEMU's q35 with one processor, published as edk2 does it (MdeModulePkg/Universal/Acpi/AcpiTableDxe/
 * AcpiTableProtocol.c): one RSDP of ACPI 1.0 and, right behind it, one of ACPI 2.0, each with an RSDT of its own; the
 * FADT is the first entry; of the tables only the FACS lies in ACPIMemoryNVS. NOT MODELLED: what QEMU's DSDT has in its
 * namespace, the overrides for interrupts of PCI, HPET, MCFG and WAET.
 */
export function acpiTables(
  memory: GuestMemory,
  { acpiReclaim, acpiMemoryNvs }: { acpiReclaim: Pool; acpiMemoryNvs: Pool },
): EfiConfigurationTable[] {
  const facs = placeInPages(memory, acpiMemoryNvs, encodeFacs());
  const dsdt = placeInPages(memory, acpiReclaim, encodeTable('DSDT'));
  const fadt = placeInPages(memory, acpiReclaim, encodeFadt(facs, dsdt));
  const madt = placeInPages(memory, acpiReclaim, encodeMadt());

  const rsdt = encodeTable('RSDT', listOf(u32le, [Number(fadt), Number(madt)]));
  const xsdt = encodeTable('XSDT', listOf(guestAddress, [fadt, madt]));
  const roots = concat(padTo(rsdt, RSDT_ROOM), padTo(rsdt, RSDT_ROOM), xsdt);
  const rsdtAt = placeInPages(memory, acpiReclaim, roots);

  const rsdp = encodeRsdp({
    oemId: OEM_ID,
    rsdtAddress: Number(rsdtAt) + RSDT_ROOM,
    xsdtAddress: gpa(rsdtAt + BigInt(2 * RSDT_ROOM)),
  });
  const rsdp10At = placeInPages(memory, acpiReclaim, concat(encodeRsdp10(OEM_ID, Number(rsdtAt)), rsdp));
  return [
    { vendorGuid: ACPI_TABLE_GUID, vendorTable: rsdp10At },
    { vendorGuid: EFI_ACPI_20_TABLE_GUID, vendorTable: gpa(rsdp10At + BigInt(Rsdp10.size)) },
  ];
}

const header = (signature: string, revision: number, length: number): AcpiDescriptionHeader => ({
  signature,
  length,
  revision,
  checksum: 0,
  oemId: OEM_ID,
  oemTableId: OEM_TABLE_ID,
  oemRevision: 1,
  creatorId: CREATOR_ID,
  creatorRevision: 1,
});

/** A table of revision 1 with nothing but `body` behind its header. */
function encodeTable(signature: string, body: Uint8Array = new Uint8Array()): Uint8Array {
  const head = header(signature, 1, AcpiDescriptionHeader.size + body.length);
  return sealAcpiTable(concat(AcpiDescriptionHeader.encode(head), body));
}

function listOf<T>(field: FieldType<T>, values: readonly T[]): Uint8Array {
  const list = new Uint8Array(values.length * field.size);
  values.forEach((value, i) => {
    field.write(viewOf(list), i * field.size, value);
  });
  return list;
}

const encodeFacs = (): Uint8Array =>
  Facs.encode({
    signature: FACS_SIGNATURE,
    length: Facs.size,
    hardwareSignature: 0,
    firmwareWakingVector: 0,
    globalLock: 0,
    flags: 0,
    xFirmwareWakingVector: gpa(0n),
    version: 1,
  });

function encodeFadt(facs: Gpa, dsdt: Gpa): Uint8Array {
  const fadt = Fadt.encode({
    header: header(FADT_SIGNATURE, FADT_REVISION, Fadt.size),
    firmwareCtrl: Number(facs),
    dsdt: Number(dsdt),
    preferredPmProfile: 0,
    sciInt: SCI_INT,
    smiCmd: 0, // no SMM: a kernel that finds no command port takes ACPI mode as switched on
    acpiEnable: 0,
    acpiDisable: 0,
    s4biosReq: 0,
    pstateCnt: 0,
    pm1aEvtBlk: PM1A_EVT.port,
    pm1bEvtBlk: 0,
    pm1aCntBlk: PM1A_CNT.port,
    pm1bCntBlk: 0,
    pm2CntBlk: 0,
    pmTmrBlk: PM_TMR.port,
    gpe0Blk: GPE0.port,
    gpe1Blk: 0,
    pm1EvtLen: PM1A_EVT.bytes,
    pm1CntLen: PM1A_CNT.bytes,
    pm2CntLen: 0,
    pmTmrLen: PM_TMR.bytes,
    gpe0BlkLen: GPE0.bytes,
    gpe1BlkLen: 0,
    gpe1Base: 0,
    cstCnt: 0,
    pLvl2Lat: FADT_NO_C2_C3,
    pLvl3Lat: FADT_NO_C2_C3,
    flushSize: 0,
    flushStride: 0,
    dutyOffset: 0,
    dutyWidth: 0,
    dayAlrm: 0,
    monAlrm: 0,
    century: RTC_CENTURY,
    iapcBootArch: IAPC_8042,
    flags:
      FADT_FLAG.WBINVD |
      FADT_FLAG.PROC_C1 |
      FADT_FLAG.SLP_BUTTON |
      FADT_FLAG.RTC_S4 |
      FADT_FLAG.RESET_REG_SUP |
      FADT_FLAG.USE_PLATFORM_CLOCK,
    resetReg: portRegister(RESET),
    resetValue: RESET_VALUE,
    xFirmwareCtrl: gpa(0n), // only one of the two may name the FACS, and edk2 takes this one above 4 GiB
    xDsdt: dsdt,
    xPm1aEvtBlk: portRegister(PM1A_EVT),
    xPm1bEvtBlk: NO_REGISTER,
    xPm1aCntBlk: portRegister(PM1A_CNT),
    xPm1bCntBlk: NO_REGISTER,
    xPm2CntBlk: NO_REGISTER,
    xPmTmrBlk: portRegister(PM_TMR),
    xGpe0Blk: portRegister(GPE0),
    xGpe1Blk: NO_REGISTER,
  });
  return sealAcpiTable(fadt);
}

const portRegister = ({ port, bytes }: { port: number; bytes: number }): GenericAddress => ({
  addressSpaceId: ADDRESS_SPACE.SystemIO,
  registerBitWidth: 8 * bytes,
  registerBitOffset: 0,
  accessSize: 0,
  address: BigInt(port),
});

const NO_REGISTER: GenericAddress = {
  addressSpaceId: ADDRESS_SPACE.SystemMemory,
  registerBitWidth: 0,
  registerBitOffset: 0,
  accessSize: 0,
  address: 0n,
};

function encodeMadt(): Uint8Array {
  const controllers = concat(
    ProcessorLocalApic.encode({
      type: MADT_LOCAL_APIC,
      length: ProcessorLocalApic.size,
      acpiProcessorUid: 0,
      apicId: 0,
      flags: LOCAL_APIC_ENABLED,
    }),
    IoApic.encode({
      type: MADT_IO_APIC,
      length: IoApic.size,
      ioApicId: 0,
      ioApicAddress: IO_APIC_ADDRESS,
      globalSystemInterruptBase: 0,
    }),
    InterruptSourceOverride.encode({
      type: MADT_INTERRUPT_SOURCE_OVERRIDE,
      length: InterruptSourceOverride.size,
      bus: 0,
      source: PIT_IRQ,
      globalSystemInterrupt: PIT_GSI,
      flags: 0,
    }),
  );
  const madt = Madt.encode({
    header: header(MADT_SIGNATURE, 1, Madt.size + controllers.length),
    localInterruptControllerAddress: LOCAL_APIC_ADDRESS,
    flags: MADT_PCAT_COMPAT,
  });
  return sealAcpiTable(concat(madt, controllers));
}
