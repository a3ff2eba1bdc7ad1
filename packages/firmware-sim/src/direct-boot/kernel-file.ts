import {
  ascii,
  at,
  bytes,
  reserved,
  struct,
  u8,
  u16le,
  u32le,
  u64le,
  type ValueOf,
} from '@sevlab/codec/layout';

/** Where the setup header starts in a kernel's file and in boot_params, in bytes. */
export const SETUP_HEADER_OFFSET = 0x1f1;

/** The part of a kernel's file that tells a loader how to load it. */
export const SetupHeader = struct(
  'setup_header',
  'Linux, Documentation/x86/boot.rst, "The Real-Mode Kernel Header"',
  {
    setupSects: at(
      0x00,
      u8,
      'Sectors of 512 bytes between the boot sector and the kernel proper; 0 means 4.',
    ),
    rootFlags: at(0x01, u16le, 'Not used here.'),
    syssize: at(0x03, u32le, 'Size of the kernel proper, in 16 bytes.'),
    ramSize: at(0x07, u16le, 'Not used here.'),
    vidMode: at(0x09, u16le, 'Not used here.'),
    rootDev: at(0x0b, u16le, 'Not used here.'),
    bootFlag: at(0x0d, u16le, '0xaa55.'),
    jump: at(0x0f, bytes(2), 'A jump over the header; its second byte tells where the header ends.'),
    header: at(0x11, ascii(4), '"HdrS".'),
    version: at(0x15, u16le, 'Protocol version: major in the upper byte, minor in the lower.'),
    reserved17: at(0x17, reserved(8), ''),
    typeOfLoader: at(0x1f, u8, '0xff: none with a number of its own.'),
    loadflags: at(0x20, u8, 'Bit 0, LOADED_HIGH: the kernel proper lies at 1 MiB or above.'),
    setupMoveSize: at(0x21, u16le, 'Not used here.'),
    code32Start: at(0x23, u32le, 'Where the kernel proper was put.'),
    ramdiskImage: at(0x27, u32le, 'Address of the initrd; 0 without one.'),
    ramdiskSize: at(0x2b, u32le, 'Its length, in bytes.'),
    bootsectKludge: at(0x2f, u32le, 'Not used here.'),
    heapEndPtr: at(0x33, u16le, 'Not used here.'),
    extLoaderVer: at(0x35, u8, 'Not used here.'),
    extLoaderType: at(0x36, u8, 'Not used here.'),
    cmdLinePtr: at(0x37, u32le, 'Address of the command line, a text that ends in NUL.'),
    initrdAddrMax: at(0x3b, u32le, 'Highest address that the initrd may occupy.'),
    kernelAlignment: at(0x3f, u32le, 'Not used here.'),
    relocatableKernel: at(0x43, u8, 'Not used here.'),
    minAlignment: at(0x44, u8, 'Not used here.'),
    xloadflags: at(0x45, u16le, 'Bit 0, XLF_KERNEL_64: a 64-bit kernel.'),
    cmdlineSize: at(0x47, u32le, 'Longest command line, in bytes, without its NUL.'),
    hardwareSubarch: at(0x4b, u32le, 'Not used here.'),
    hardwareSubarchData: at(0x4f, u64le, 'Not used here.'),
    payloadOffset: at(0x57, u32le, 'Not used here.'),
    payloadLength: at(0x5b, u32le, 'Not used here.'),
    setupData: at(0x5f, u64le, 'Not used here.'),
    prefAddress: at(0x67, u64le, 'Where the kernel wants to run.'),
    initSize: at(0x6f, u32le, 'How much memory it needs there before it knows of any, in bytes.'),
  },
);
export type SetupHeader = ValueOf<typeof SetupHeader>;

const BOOT_FLAG = 0xaa55;
const HEADER_MAGIC = 'HdrS';
/** Protocol 2.12, the first with xloadflags. */
const MIN_VERSION = 0x020c;
const XLF_KERNEL_64 = 1;
const SECTOR = 512;
/** The header ends so many bytes behind this offset as its jump skips. */
const HEADER_END_BASE = 0x202;

/** A kernel's file, taken apart. */
export interface KernelFile {
  readonly header: SetupHeader;
  /** The header's bytes, as many as it says it has. */
  readonly headerBytes: Uint8Array;
  /** What is loaded. */
  readonly proper: Uint8Array;
}

/**
 * The kernel in a file, or why it is none. DEVIATION: OVMF starts a kernel through its EFI stub, so it takes only files
 * with a PE header; here any 64-bit bzImage will do.
 */
export function readKernelFile(file: Uint8Array): KernelFile | { readonly fault: string } {
  if (file.length < SETUP_HEADER_OFFSET + SetupHeader.size) {
    return {
      fault: `the kernel has ${file.length} bytes; expected at least ${SETUP_HEADER_OFFSET + SetupHeader.size}`,
    };
  }
  const header = SetupHeader.decodeAt(file, SETUP_HEADER_OFFSET);
  if (header.bootFlag !== BOOT_FLAG || header.header !== HEADER_MAGIC) {
    return { fault: 'the kernel is no bzImage: expected AA55h at 1FEh and "HdrS" behind it' };
  }
  if (header.version < MIN_VERSION || (header.xloadflags & XLF_KERNEL_64) === 0) {
    const version = `${header.version >> 8}.${String(header.version & 0xff).padStart(2, '0')}`;
    return { fault: `the kernel is not one of 64 bits with boot protocol 2.12 or later, but has ${version}` };
  }
  const headerEnd = HEADER_END_BASE + header.jump[1]!;
  const start = ((header.setupSects || 4) + 1) * SECTOR;
  if (start >= file.length)
    return { fault: `the kernel proper should start at ${start} of ${file.length} bytes` };
  const headerBytes = file.slice(
    SETUP_HEADER_OFFSET,
    Math.max(headerEnd, SETUP_HEADER_OFFSET + SetupHeader.size),
  );
  return { header, headerBytes, proper: file.subarray(start) };
}
