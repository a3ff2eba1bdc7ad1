import { gpa } from '@sevlab/codec/address';
import { at, reserved, struct, u8, u64le } from '@sevlab/codec/layout';
import { CPUID_MEMORY_ENCRYPTION, type GuestContext, MSR_SEV_STATUS } from '@sevlab/machine/machine';
import { type Stopped, stopped } from '../stopped.ts';

/** PcdOvmfWorkAreaBase of every AmdSev build. */
export const WORK_AREA = gpa(0x80b000n);

/** CC_GUEST_TYPE of edk2. */
const GUEST_TYPE_AMD_SEV = 1;

/** What SEC leaves for the phases behind it. 36 bytes. VERSION: before 202111 there is no guest type. */
export const WorkArea = struct(
  'OVMF work area',
  'edk2 OvmfPkg/Include/WorkArea.h: CONFIDENTIAL_COMPUTING_WORK_AREA_HEADER, SEC_SEV_ES_WORK_AREA',
  {
    guestType: at(0x00, u8, '1: AMD SEV.'),
    reserved01: at(0x01, reserved(3), ''),
    sevStatus: at(0x04, u64le, 'The MSR SEV_STATUS.'),
    random: at(0x0c, u64le, 'NOT MODELLED: RDRAND, for the stack cookie of SEV-ES. Zero.'),
    encryptionMask: at(0x14, u64le, 'The C-bit, as a mask.'),
    flags: at(0x1c, u64le, 'SEV-ES: whether a #VC came. Zero.'),
  },
);

export interface MemoryEncryption {
  readonly kind: 'encryption';
  readonly sevStatus: bigint;
  readonly encryptionMask: bigint;
}

/**
 * Finds out whether the guest's memory is encrypted (edk2 OvmfPkg/ResetVector/Ia32/AmdSev.asm, CheckSevFeatures).
 * DEVIATION: OVMF also starts where SEV is not active; this firmware has nothing to read privately there.
 */
export function findMemoryEncryption(context: GuestContext): MemoryEncryption | Stopped {
  const { eax, ebx } = context.cpuid(CPUID_MEMORY_ENCRYPTION);
  if ((eax & 0b10) === 0) {
    return stopped('no SEV', { eax });
  }
  const sevStatus = context.rdmsr(MSR_SEV_STATUS);
  if ((sevStatus & 1n) === 0n) {
    return stopped('SEV not active', { value: sevStatus });
  }
  return { kind: 'encryption', sevStatus, encryptionMask: 1n << BigInt(ebx & 0x3f) };
}

export function writeWorkArea(context: GuestContext, { sevStatus, encryptionMask }: MemoryEncryption): void {
  context.memory.writePrivate(
    WORK_AREA,
    WorkArea.encode({ guestType: GUEST_TYPE_AMD_SEV, sevStatus, random: 0n, encryptionMask, flags: 0n }),
  );
}
