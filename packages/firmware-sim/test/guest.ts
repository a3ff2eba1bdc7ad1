import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver, type Observer } from '@sevlab/ambient/observer';
import { type Gpa, gpa, type Spa } from '@sevlab/codec/address';
import { createMachine, type GuestContext, type Machine } from '@sevlab/machine/machine';
import { bootFirmware, type Handover } from '../src/boot.ts';
import { ramOf } from '../src/memory-map.ts';
import type { Stopped } from '../src/stopped.ts';

export const MEMORY_SIZE: bigint = 512n * 1024n * 1024n;
const FOUR_GIB = 0x1_0000_0000n;
const PAGE = 4096;
const ASID = 100;

/** A launched guest, ready for VMRUN. */
export interface Guest {
  readonly machine: Machine;
  readonly observer: Observer;
  readonly number: number;
  readonly imageAt: Gpa;
  /** RAM, in bytes. */
  readonly memorySize: bigint;
}

/** The image as LAUNCH_UPDATE_DATA leaves it in memory, page by page under the guest's key. */
export function launchGuest(
  image: Uint8Array,
  options: { record?: boolean; memorySize?: bigint } = {},
): Guest {
  const { memorySize = MEMORY_SIZE } = options;
  const observer = createObserver(options);
  const machine = createMachine({
    part: 'genoa',
    encryption: 'XEX',
    entropy: seededEntropy('t', 'machine'),
    observer,
  });
  const imageAt = gpa(FOUR_GIB - BigInt(image.length));
  const { lowEnd } = ramOf(memorySize);
  const number = machine.host.createGuest([
    { gpa: gpa(0n), length: lowEnd },
    ...(memorySize > lowEnd ? [{ gpa: gpa(FOUR_GIB), length: memorySize - lowEnd }] : []),
    { gpa: imageAt, length: BigInt(image.length) },
  ]);
  machine.secureProcessor.memory.installKey(ASID, seededEntropy('t', 'memory key').bytes(32));
  machine.secureProcessor.memory.setRunnable(ASID, true);
  const guest = { machine, observer, number, imageAt, memorySize };
  for (let offset = 0; offset < image.length; offset += PAGE) {
    writeEncrypted(guest, gpa(imageAt + BigInt(offset)), image.subarray(offset, offset + PAGE));
  }
  return guest;
}

/** What the AMD-SP does to guest memory: plaintext goes in through the guest's key. */
export function writeEncrypted({ machine, number }: Guest, address: Gpa, plain: Uint8Array): void {
  let offset = 0;
  for (const { spa, length } of machine.host.locate(number, address, plain.length)) {
    if (spa === undefined) throw new Error('the guest has no memory there');
    machine.secureProcessor.memory.writeEncrypted(spa, plain.subarray(offset, offset + length), ASID);
    offset += length;
  }
}

/** Where a byte of guest memory lies in DRAM. */
export function frameOf({ machine, number }: Guest, address: bigint): Spa {
  const [place] = machine.host.locate(number, gpa(address), 1);
  if (place?.spa === undefined) throw new Error('the guest has no memory there');
  return place.spa;
}

/** Runs the firmware, in a context that a test may change. */
export function boot(
  { machine, observer, number, memorySize }: Guest,
  change: (context: GuestContext) => GuestContext = (context) => context,
): Handover | Stopped {
  return machine.host.vmrun(number, ASID, (context) =>
    bootFirmware({ context: change(context), observer, memorySize }),
  );
}

/** Runs something in the guest's own memory. */
export const inGuest = <T>({ machine, number }: Guest, software: (context: GuestContext) => T): T =>
  machine.host.vmrun(number, ASID, software);
