import { at, nested, reserved, struct, u16le, u32le, u64le, type ValueOf } from '../layout.ts';

/** A segment register, or a descriptor table's, as the VMSA holds it. 16 bytes. */
export const VmsaSegment = struct('VMSA segment register', 'APM volume 2, appendix B', {
  selector: at(0x00, u16le, 'Selector.'),
  attrib: at(0x02, u16le, 'Attributes: bits 47:40 of the descriptor and, above them, its bits 55:52.'),
  limit: at(0x04, u32le, 'Limit, in bytes.'),
  base: at(0x08, u64le, 'Base, a linear address.'),
});
export type VmsaSegment = ValueOf<typeof VmsaSegment>;

/** The registers of a vCPU of an SEV-ES guest, as LAUNCH_UPDATE_VMSA measures them: those that a launch sets. A page. */
export const Vmsa = struct('VMSA at launch', 'APM volume 2, appendix B: state save area for SEV-ES', {
  es: at(0x000, nested(VmsaSegment), 'ES.'),
  cs: at(0x010, nested(VmsaSegment), 'CS.'),
  ss: at(0x020, nested(VmsaSegment), 'SS.'),
  ds: at(0x030, nested(VmsaSegment), 'DS.'),
  fs: at(0x040, nested(VmsaSegment), 'FS.'),
  gs: at(0x050, nested(VmsaSegment), 'GS.'),
  gdtr: at(0x060, nested(VmsaSegment), 'GDTR.'),
  ldtr: at(0x070, nested(VmsaSegment), 'LDTR.'),
  idtr: at(0x080, nested(VmsaSegment), 'IDTR.'),
  tr: at(0x090, nested(VmsaSegment), 'TR.'),
  reserved0a0: at(0x0a0, reserved(0x30), 'Shadow stacks, VMPL and CPL.'),
  efer: at(0x0d0, u64le, 'EFER.'),
  reserved0d8: at(0x0d8, reserved(0x70), 'XSS among others.'),
  cr4: at(0x148, u64le, 'CR4.'),
  reserved150: at(0x150, reserved(8), 'CR3.'),
  cr0: at(0x158, u64le, 'CR0.'),
  dr7: at(0x160, u64le, 'DR7.'),
  dr6: at(0x168, u64le, 'DR6.'),
  rflags: at(0x170, u64le, 'RFLAGS.'),
  rip: at(0x178, u64le, 'RIP.'),
  reserved180: at(0x180, reserved(0xe8), 'RSP, RAX and system call registers among others.'),
  gPat: at(0x268, u64le, 'G_PAT: page attribute table.'),
  reserved270: at(0x270, reserved(0xa0), 'RCX among others.'),
  rdx: at(0x310, u64le, 'RDX: at reset, the family, model and stepping of the processor.'),
  reserved318: at(0x318, reserved(0xd0), 'The other general registers, SEV_FEATURES among others.'),
  xcr0: at(0x3e8, u64le, 'XCR0.'),
  reserved3f0: at(0x3f0, reserved(0x18), 'X87_DP among others.'),
  mxcsr: at(0x408, u32le, 'MXCSR.'),
  reserved40c: at(0x40c, reserved(4), 'X87_FTW, X87_FSW.'),
  x87Fcw: at(0x410, u16le, 'X87_FCW: control word of the x87 FPU.'),
  reserved412: at(0x412, reserved(0xbee), 'FPU registers, and nothing up to the end of the page.'),
});
export type Vmsa = ValueOf<typeof Vmsa>;

/**
 * Which of KVM's commands made the guest. `legacy` is KVM_SEV_ES_INIT. `init2` is KVM_SEV_INIT2 (Linux 6.10, QEMU 9.1
 * without legacy-vm-type), under which KVM also puts the FPU's state into the VMSA.
 */
export type VmsaForm = 'legacy' | 'init2';

/** Where the boot CPU starts: 16 bytes below 4 GiB (APM volume 2, processor initialization). */
export const RESET_VECTOR = 0xffff_fff0;

const segment = (attrib: number, selector = 0, base = 0n): VmsaSegment => ({
  selector,
  attrib,
  limit: 0xffff,
  base,
});

/** Present and accessed: what a data segment, and CS, which is code, are after a reset. */
const DATA = 0x93;
const CODE = 0x9b;
const LDT = 0x82;
const BUSY_TSS = 0x8b;

/** Selector of CS after a reset. Only the base counts until the first far jump. */
const RESET_CS = 0xf000;

/**
 * The page that the host measures for a vCPU under QEMU, 4096 bytes. `reset` is the address at which it starts, of 32
 * bits: RESET_VECTOR for the boot CPU, for the others what the image's SEV-ES reset block says; `cpuSignature` what
 * the function of that name gives, or zero. Throws RangeError when either does not fit 32 bits.
 *
 * The values are those of a processor after reset (APM volume 2, processor initialization), as QEMU and KVM leave
 * them: a busy 32-bit TSS, EFER.SVME since VMRUN demands it, CR4.MCE of the host, and CR0 without CD and NW.
 */
export function encodeInitialVmsa(vcpu: { reset: number; cpuSignature: number; form: VmsaForm }): Uint8Array {
  const { reset, cpuSignature: signature, form } = vcpu;
  expectInteger('reset address', reset, 0xffff_ffff);
  expectInteger('CPU signature', signature, 0xffff_ffff);
  const offset = reset & 0xffff;
  return Vmsa.encode({
    es: segment(DATA),
    cs: segment(CODE, RESET_CS, BigInt(reset - offset)),
    ss: segment(DATA),
    ds: segment(DATA),
    fs: segment(DATA),
    gs: segment(DATA),
    gdtr: segment(0),
    ldtr: segment(LDT),
    idtr: segment(0),
    tr: segment(BUSY_TSS),
    efer: 0x1000n,
    cr4: 0x40n,
    cr0: 0x10n,
    dr7: 0x400n,
    dr6: 0xffff_0ff0n,
    rflags: 0x2n,
    rip: BigInt(offset),
    gPat: 0x0007_0406_0007_0406n,
    rdx: BigInt(signature),
    xcr0: 1n,
    mxcsr: form === 'init2' ? 0x1f80 : 0,
    x87Fcw: form === 'init2' ? 0x037f : 0,
  });
}

/** What names a model of processor. */
export interface CpuModel {
  /** From 0 to 270, such as 25 (19h) for Milan and Genoa. */
  readonly family: number;
  /** From 0 to 255. */
  readonly model: number;
  /** From 0 to 15. */
  readonly stepping: number;
}

/**
 * The model as CPUID tells it and RDX holds it after a reset, 32 bits (APM volume 3, Fn0000_0001_EAX). A family above
 * 15 is 15 and an extended family. Throws RangeError for what has no place in it.
 */
export function cpuSignature({ family, model, stepping }: CpuModel): number {
  expectInteger('CPU family', family, 0x0f + 0xff);
  expectInteger('CPU model', model, 0xff);
  expectInteger('CPU stepping', stepping, 0x0f);
  const base = Math.min(family, 0x0f);
  return ((family - base) << 20) | ((model >> 4) << 16) | (base << 8) | ((model & 0x0f) << 4) | stepping;
}

function expectInteger(what: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new RangeError(`${what}: expected an integer from 0 to ${max}, got ${value}`);
}
