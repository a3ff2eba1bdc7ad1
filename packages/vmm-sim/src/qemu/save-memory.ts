import { fillForm } from '@sevlab/codec/message-form';
import { QmpError } from '../qmp/qmp-error.ts';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import { isReadable, type MappedRegion, readMemory } from './memory-map.ts';
import type { QemuMachine } from './qemu-machine.ts';
import { expectVcpu } from './vcpus.ts';

/** Which bytes go to which file. */
export interface Save {
  readonly at: bigint;
  readonly size: bigint;
  readonly filename: string;
}

/** No file that is written gets longer, in bytes. */
const SAVE_MAX = 1n << 32n;
const SAVE_PIECE = 1 << 20;

/** `pmemsave`: what the host sees of guest memory; zeros where there is none. Throws QmpError. */
export function saveMemory(machine: QemuMachine, { at, size, filename }: Save): void {
  const { map, ports } = machine;
  open(ports, filename);
  if (size < 0n || size > SAVE_MAX) throw new QmpError(fillForm(QMP_MESSAGES['bad size'], { size })); // DEVIATION: QEMU writes on and on
  for (let offset = 0; offset < size; ) {
    const address = BigInt.asUintN(64, at + BigInt(offset));
    const { length, memory } = stretch(map, address, Math.min(SAVE_PIECE, Number(size) - offset));
    const bytes = memory ? readMemory(machine, address, length) : new Uint8Array(length);
    const failed = ports.appendFile(filename, bytes);
    if (failed !== undefined)
      throw new QmpError(fillForm(QMP_MESSAGES['not written'], { path: filename, why: failed }));
    offset += length;
  }
}

/** It is there, and empty, before anything else is looked at. */
function open(ports: QemuMachine['ports'], filename: string): void {
  const failed = ports.emptyFile(filename);
  if (failed !== undefined)
    throw new QmpError(fillForm(QMP_MESSAGES['not opened'], { path: filename, why: failed }));
}

/** How many of `length` bytes from an address on are all memory, or all none. */
function stretch(
  map: readonly MappedRegion[],
  at: bigint,
  length: number,
): { readonly length: number; readonly memory: boolean } {
  const region = map.find(({ start, end }) => at >= start && at < end);
  const next =
    region?.end ??
    map
      .map(({ start }) => start)
      .filter((start) => start > at)
      .sort((a, b) => (a < b ? -1 : 1))[0];
  const room = next === undefined ? length : Math.min(length, Number(next - at));
  return { length: room, memory: region?.memory ?? false };
}

/** `memsave`. NOT MODELLED: paging, so addresses are physical ones. Throws QmpError. */
export function saveVirtualMemory(
  machine: QemuMachine,
  { vcpu, ...save }: Save & { readonly vcpu: bigint },
): void {
  expectVcpu(machine, vcpu);
  open(machine.ports, save.filename);
  if (!isReadable(machine.map, save.at, save.size))
    throw new QmpError(
      fillForm(QMP_MESSAGES['bad address'], {
        address: save.at.toString(16).padStart(16, '0'),
        size: save.size,
      }),
    );
  saveMemory(machine, save);
}
