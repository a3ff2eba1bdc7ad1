import { gpa, spa } from '@sevlab/codec/address';
import type { Pipeline } from '../pipeline.ts';
import { guestPage } from './guest-cells.ts';
import { addressOf } from './values.ts';

const PAGE = 4096n;

/**
 * Runs a guest of the host's own under an ASID, with pages of the victim as its memory: nested page tables are the host's.
 * Returns what its software reads privately at the victim's address. Throws VmrunRefused.
 */
export function readAsAccomplice(
  pipeline: Pipeline,
  { asid, gpa: address, length }: { readonly asid: number; readonly gpa: string; readonly length: number },
): Uint8Array {
  const { host } = pipeline.actors.machine;
  const start = addressOf(address);
  const within = start % PAGE;
  const pages = (within + BigInt(length) + PAGE - 1n) / PAGE;
  const guest = host.createGuest([{ gpa: gpa(0n), length: pages * PAGE }]);
  for (let page = 0n; page < pages; page++) {
    const of = guestPage(pipeline, gpa(start - within + page * PAGE), 'attack run');
    host.remap(guest, gpa(page * PAGE), spa(of));
  }
  return host.vmrun(guest, asid, ({ memory }) => memory.readPrivate(gpa(within), length));
}
