import { type Spa, spa } from '@sevlab/codec/address';
import { equal } from '@sevlab/codec/bytes';
import { encodeChecksum, vmsaCell, vmsaChecksum, vmsaWithCell } from '@sevlab/machine/vmsa';
import type { Guest } from './guest.ts';
import type { SecureProcessor } from './secure-processor.ts';

/**
 * Checksums of VMSAs that the trusted memory region holds, 8 bytes each, in one half of its 1 MiB.
 * NOT MODELLED: the region is closed to the host; here a host that writes a cell as well passes a VMSA of its own.
 */
export const VMSA_POOL_SIZE = 65_536;
const CELL_SIZE = 8;
/** Which half is our choice. */
const POOL_OFFSET = 0x8_0000;

/** Whether a VMSA can have a cell: not before the first DF_FLUSH, and not when all are in use. */
export const hasFreeCell = ({ state }: SecureProcessor): boolean =>
  state.tmr?.enabled === true && state.vmsaCells < VMSA_POOL_SIZE;

/** Takes the lowest free cell for a guest, and returns where it is. Throws when hasFreeCell does not hold. */
function takeCell(sp: SecureProcessor, guest: Guest): Spa {
  const { state } = sp;
  if (state.tmr === undefined || !hasFreeCell(sp)) throw new Error('a VMSA passed that has no checksum cell');
  const inUse = new Set([...state.guests.values()].flatMap(({ vmsaCells }) => vmsaCells));
  let cell = 0;
  while (inUse.has(cell)) cell++;
  guest.vmsaCells.push(cell);
  state.vmsaCells++;
  return cellAt(state.tmr.paddr, cell);
}

const cellAt = (tmr: Spa, cell: number): Spa => spa(tmr + BigInt(POOL_OFFSET + cell * CELL_SIZE));

/** Encrypts a VMSA that has a cell from here on, which holds its checksum. Throws when hasFreeCell does not hold. */
export function placeVmsa(sp: SecureProcessor, guest: Guest, address: Spa, vmsa: Uint8Array): void {
  const cell = takeCell(sp, guest);
  const prepared = vmsaWithCell(vmsa, cell);
  sp.memory.write(cell, encodeChecksum(vmsaChecksum(prepared)));
  sp.memory.writeEncrypted(address, prepared, guest.asid);
}

/** Whether a VMSA names a cell of that guest, and the cell holds its checksum. */
export function hasChecksum({ state, memory }: SecureProcessor, guest: Guest, vmsa: Uint8Array): boolean {
  const { tmr } = state;
  const named = vmsaCell(vmsa);
  if (tmr === undefined || !guest.vmsaCells.some((cell) => cellAt(tmr.paddr, cell) === named)) return false;
  return equal(memory.read(named, CELL_SIZE), encodeChecksum(vmsaChecksum(vmsa)));
}

/** The cells of a guest that goes are free. */
export function returnCells({ state }: SecureProcessor, guest: Guest): void {
  state.vmsaCells -= guest.vmsaCells.length;
  guest.vmsaCells.length = 0;
}
