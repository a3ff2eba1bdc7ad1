import { type Gpa, gpa } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import { ascii, at, struct, u32le, type ValueOf } from '@sevlab/codec/layout';
import type { GuestMemory } from '@sevlab/machine/machine';

/** Where firmware leaves what the stub needs: behind the work area's fields, in the same page. */
export const KERNEL_ENTRY_GPA: Gpa = gpa(0x80b100n);

/** What the simulated firmware says to a real processor. 12 bytes. */
export const KernelEntry = struct(
  'sevlab kernel entry',
  'sevlab: docs/adr/0010-a-real-processor-goes-on.md',
  {
    magic: at(0x00, ascii(4), '"GO32"; anything else stops the processor.'),
    bootParams: at(0x04, u32le, 'Guest-physical address of boot_params, for ESI.'),
    entry: at(0x08, u32le, "Guest-physical address of the kernel's 32-bit entry."),
  },
);
export type KernelEntry = ValueOf<typeof KernelEntry>;
const KERNEL_ENTRY_MAGIC = 'GO32';

/** Tells a real processor where to go on: both addresses are below 4 GiB. Throws RangeError for others. */
export function writeKernelEntry(
  memory: Pick<GuestMemory, 'writePrivate'>,
  bootParams: Gpa,
  entry: Gpa,
): void {
  memory.writePrivate(
    KERNEL_ENTRY_GPA,
    KernelEntry.encode({ magic: KERNEL_ENTRY_MAGIC, bootParams: Number(bootParams), entry: Number(entry) }),
  );
}

/** Where the stub starts, in bytes before the end of the image. */
export const RESET_STUB_FROM_END = 0x1000;
const STUB_AT = 0x1_0000_0000 - RESET_STUB_FROM_END;
/** Bytes. */
const STUB_SIZE = 0xc0;
/** Offsets of its parts. */
const PROTECTED_MODE = 0x20;
const DESCRIPTOR_TABLE_REGISTER = 0x90;
const DESCRIPTOR_TABLE = 0xa0;

const HLT = 0xf4;
/** Selectors of its descriptor table. */
const CODE = 0x10;
const DATA = 0x18;

/**
 * Machine code that lets a real processor go on where the simulated firmware handed over: from the reset vector to
 * protected mode with flat segments, then to the kernel's 32-bit entry (Linux, Documentation/x86/boot.rst, "32-bit Boot
 * Protocol"). On the way it switches on q35's power management registers at I/O port 600h, which the ACPI tables
 * promise. It is measured like every other byte, and the emulator does not run it.
 */
export const RESET_STUB: Uint8Array = makeStub();

/** The last 16 bytes of an image, where a processor starts: a jump to the stub. */
export const RESET_VECTOR: Uint8Array = makeVector();

function makeStub(): Uint8Array {
  const here = (offset: number): Uint8Array => dword(STUB_AT + offset);
  const field = (offset: number): Uint8Array => dword(Number(KERNEL_ENTRY_GPA) + offset);
  const stub = new Uint8Array(STUB_SIZE).fill(HLT);
  const put = (offset: number, ...code: readonly Uint8Array[]): void => stub.set(concat(...code), offset);

  put(
    0,
    hex('fa fc'), // cli, cld
    hex('66 2e 0f 01 16'), // lgdt cs:[DESCRIPTOR_TABLE_REGISTER]
    word((STUB_AT + DESCRIPTOR_TABLE_REGISTER) & 0xffff),
    hex('0f 20 c0'), // mov eax, cr0
    hex('66 25 ff ff ff 9f'), // and eax, ~(CD | NW)
    hex('0c 01'), // or al, PE
    hex('0f 22 c0'), // mov cr0, eax
    hex('66 ea'), // jmp CODE:PROTECTED_MODE
    here(PROTECTED_MODE),
    word(CODE),
  );
  put(
    PROTECTED_MODE,
    ...[hex('b8'), dword(DATA)], // mov eax, DATA
    hex('8e d8 8e c0 8e d0 8e e0 8e e8'), // ds, es, ss, fs, gs
    ...writePciConfig(0x8000_f840, 0x0601), // 00:1f.0, PMBASE: port 600h (QEMU, hw/isa/lpc_ich9.c)
    ...writePciConfig(0x8000_f844, 0x80), // ACPI_CNTL: enabled
    ...[hex('81 3d'), field(0), new TextEncoder().encode(KERNEL_ENTRY_MAGIC)], // cmp dword [magic], "GO32"
    hex('75 fe'), // jne: for ever
    ...[hex('8b 35'), field(4)], // mov esi, [bootParams]
    ...[hex('a1'), field(8)], // mov eax, [entry]
    hex('31 ed 31 ff 31 db'), // ebp, edi, ebx = 0
    hex('ff e0'), // jmp eax
  );
  put(DESCRIPTOR_TABLE_REGISTER, word(0x1f), here(DESCRIPTOR_TABLE));
  put(
    DESCRIPTOR_TABLE,
    new Uint8Array(16),
    hex('ff ff 00 00 00 9b cf 00'), // CODE: 32 bits, from 0 to 4 GiB
    hex('ff ff 00 00 00 93 cf 00'), // DATA
  );
  return stub;
}

function makeVector(): Uint8Array {
  const vector = new Uint8Array(16).fill(HLT);
  const next = 0x1_0000 - vector.length + 3; // of the jump, which counts from there
  vector.set(concat(hex('e9'), word((STUB_AT - next) & 0xffff)));
  return vector;
}

/** PCI's configuration mechanism 1: the address to port CF8h, the value to port CFCh. */
function writePciConfig(address: number, value: number): Uint8Array[] {
  return [
    hex('66 ba f8 0c'), // mov dx, 0cf8h
    ...[hex('b8'), dword(address), hex('ef')], // mov eax, address; out dx, eax
    hex('b2 fc'), // mov dl, 0fch
    ...[hex('b8'), dword(value), hex('ef')], // mov eax, value; out dx, eax
  ];
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.split(' '), (digits) => Number.parseInt(digits, 16));
}

function word(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8);
}

function dword(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
}
