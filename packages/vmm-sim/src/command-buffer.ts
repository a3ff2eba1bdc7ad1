import { alignUp, type Spa, spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import { COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import { type SevStatus, statusFromCode } from '@sevlab/codec/sev/status';
import type { Host } from '@sevlab/machine/machine';

/** Where the VMM keeps what it shows to the AMD-SP: host memory below the 32-bit hole. */
const FIRST_BUFFER = spa(0x1000_0000n);

/** The VMM's own memory, as plain data. */
export interface HostBuffers {
  next: Spa;
}

/** No buffer is in use yet. */
export const createHostBuffers = (): HostBuffers => ({ next: FIRST_BUFFER });

/** Reserves `length` bytes of host memory, at a multiple of `alignment` bytes. Nothing is ever given back. */
export function reserve(buffers: HostBuffers, length: number, alignment = 16): Spa {
  const address = spa(BigInt(alignUp(Number(buffers.next), alignment)));
  buffers.next = spa(address + BigInt(alignUp(Math.max(length, 1), 16)));
  return address;
}

/** Puts bytes into host memory of their own, aligned as reserve() does. Returns where. */
export function place(host: Host, buffers: HostBuffers, bytes: Uint8Array, alignment?: number): Spa {
  const address = reserve(buffers, bytes.length, alignment);
  host.memory.write(address, bytes);
  return address;
}

/**
 * Rings the mailbox for a command number whose buffer lies at `buffer` (registers as the Linux ccp driver writes them:
 * drivers/crypto/ccp/sev-dev.c, __sev_do_cmd_locked). Throws Error when the answer is no status of legacy SEV.
 */
export function ring(host: Host, command: number, buffer: Spa): SevStatus {
  const { mailbox } = host;
  mailbox.write('CmdBufAddr_Lo', Number(buffer & 0xffff_ffffn));
  mailbox.write('CmdBufAddr_Hi', Number(buffer >> 32n));
  mailbox.write('CmdResp', command << 16);
  const code = mailbox.read('CmdResp') & 0xffff;
  const status = statusFromCode(code);
  if (status === undefined) throw new Error(`the AMD-SP answered 0x${code.toString(16)}, which is no status`);
  return status;
}

/** Issues a command without a buffer. Throws as `ring`. */
export const issueBare = (host: Host, name: CommandName): SevStatus => ring(host, COMMAND_ID[name], spa(0n));

/**
 * Issues a command: its buffer, `paddedSize` bytes, goes through host memory, and comes back as the AMD-SP left it.
 * Throws as `ring`, and RangeError for a value that does not fit its field.
 */
export function issue<T>(
  host: Host,
  buffers: HostBuffers,
  name: CommandName,
  layout: Struct<T>,
  value: T,
): { status: SevStatus; value: T } {
  const bytes = new Uint8Array(layout.paddedSize);
  layout.encodeInto(bytes, value);
  const address = place(host, buffers, bytes);
  const status = ring(host, COMMAND_ID[name], address);
  return { status, value: layout.decode(host.memory.read(address, layout.size)) };
}
