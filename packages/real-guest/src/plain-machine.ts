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
import { commandLineOf, PLAIN_GUEST, writePlainGuest } from '@sevlab/guest-kernel-sim/plain-guest';
import type { GuestMemory } from '@sevlab/machine/machine';
import { WATCHED_COMMAND_LINE } from './command-line.ts';

/** Reserved memory in which the first program leaves its answers. */
const ANSWERS = { at: gpa(0x700_0000n), size: 0x100_0000 } as const;
const LENGTH_SIZE = 8;

/** How the kernel is watched, and where to put the answers. */
const APPEND =
  `quiet ${WATCHED_COMMAND_LINE} ` +
  `sevlab.answers=0x${ANSWERS.at.toString(16)},0x${ANSWERS.size.toString(16)}`;

/** Writes boot_params and what belongs to them. */
export type WriteGuest = (memory: Pick<GuestMemory, 'writePrivate'>) => void;

/** The RAM of a real machine that no firmware prepared: the one that `sevlab guest` emulates, with a kernel in it. */
export class PlainMachine {
  readonly memoryFile: string;
  readonly firmwareFile: string;

  /**
   * Both files are written here, over whatever is there. `writeGuest` writes what the kernel finds in memory; whatever
   * goes to where there is no RAM is lost. Throws the errors of node:fs, and Error for no kernel.
   */
  constructor(
    files: { readonly memory: string; readonly firmware: string },
    kernelFile: string,
    initrd: Uint8Array,
    {
      writeGuest = writePlainGuest,
      commandLine,
    }: { readonly writeGuest?: WriteGuest; readonly commandLine?: string | undefined } = {},
  ) {
    this.memoryFile = files.memory;
    this.firmwareFile = files.firmware;
    writeFileSync(files.firmware, buildImage({ layout: '202405' })); // for the stub at its reset vector
    const file = openSync(files.memory, 'w', 0o600);
    try {
      ftruncateSync(file, Number(PLAIN_GUEST.ramSize));
      const writePrivate = (address: Gpa, bytes: Uint8Array): void => {
        if (address + BigInt(bytes.length) <= PLAIN_GUEST.ramSize)
          writeSync(file, bytes, 0, bytes.length, Number(address));
      };
      const kernel = loadKernel(
        { writePrivate },
        { kernel: readFileSync(kernelFile), initrd },
        { commandLine: PLAIN_GUEST.commandLine, end: ANSWERS.at },
      );
      if (kernel.kind === 'stopped') throw new Error(kernel.reason);
      writeGuest({ writePrivate });
      writePrivate(gpa(PLAIN_GUEST.bootParams + BigInt(SETUP_HEADER_OFFSET)), kernel.setupHeader);
      writePrivate(PLAIN_GUEST.commandLine, utf8(`${commandLineOf(commandLine)} ${APPEND}\0`));
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
