import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { utf8 } from '@sevlab/codec/bytes';
import { SETUP_HEADER_OFFSET } from '@sevlab/firmware-sim/direct-boot/kernel-file';
import { loadKernel } from '@sevlab/firmware-sim/direct-boot/load-kernel';
import { buildImage } from '@sevlab/firmware-sim/image';
import { writeKernelEntry } from '@sevlab/firmware-sim/reset-stub';
import { PLAIN_GUEST, writePlainGuest } from '@sevlab/guest-kernel-sim/plain-guest';

/** Reserved memory in which the first program leaves its answers. */
const ANSWERS = { at: gpa(0x700_0000n), size: 0x100_0000 } as const;
/** Behind boot_params, in RAM. */
const COMMAND_LINE_AT = gpa(0x84_1000n);
const LENGTH_SIZE = 8;

const COMMAND_LINE =
  'efi=noruntime acpi=off quiet console=ttyS0 panic=-1 reboot=t,force ' +
  `sevlab.answers=0x${ANSWERS.at.toString(16)},0x${ANSWERS.size.toString(16)}`;

/** The RAM of a real machine that no firmware prepared: the one that `sevlab guest` emulates, with a kernel in it. */
export class PlainMachine {
  readonly memoryFile: string;
  readonly firmwareFile: string;

  /** Both files are written here, over whatever is there. Throws the errors of node:fs, and Error for no kernel. */
  constructor(
    files: { readonly memory: string; readonly firmware: string },
    kernelFile: string,
    initrd: Uint8Array,
  ) {
    this.memoryFile = files.memory;
    this.firmwareFile = files.firmware;
    writeFileSync(files.firmware, buildImage({ layout: '202405' })); // for the stub at its reset vector
    const file = openSync(files.memory, 'w', 0o600);
    try {
      ftruncateSync(file, Number(PLAIN_GUEST.ramSize));
      const writePrivate = (address: Gpa, bytes: Uint8Array): void => {
        writeSync(file, bytes, 0, bytes.length, Number(address));
      };
      const kernel = loadKernel(
        { writePrivate },
        { kernel: readFileSync(kernelFile), initrd },
        { commandLine: COMMAND_LINE_AT, end: ANSWERS.at },
      );
      if (kernel.kind === 'stopped') throw new Error(kernel.reason);
      writePlainGuest({ writePrivate });
      writePrivate(gpa(PLAIN_GUEST.bootParams + BigInt(SETUP_HEADER_OFFSET)), kernel.setupHeader);
      writePrivate(COMMAND_LINE_AT, utf8(`${COMMAND_LINE}\0`));
      writeKernelEntry({ writePrivate }, PLAIN_GUEST.bootParams, kernel.entry);
    } finally {
      closeSync(file);
    }
  }

  get memorySize(): bigint {
    return PLAIN_GUEST.ramSize;
  }

  /** What the first program answered, when the machine has ended. */
  answers(): string {
    const file = openSync(this.memoryFile, 'r');
    try {
      const head = Buffer.alloc(LENGTH_SIZE);
      readSync(file, head, 0, LENGTH_SIZE, Number(ANSWERS.at));
      const text = Buffer.alloc(Math.min(Number(head.readBigUInt64LE()), ANSWERS.size - LENGTH_SIZE));
      readSync(file, text, 0, text.length, Number(ANSWERS.at) + LENGTH_SIZE);
      return text.toString('latin1');
    } finally {
      closeSync(file);
    }
  }
}
