import { type Gpa, gpa } from '@sevlab/codec/address';
import type { GuestMemoryFile } from '@sevlab/real-guest/guest-memory-file';
import type { EmulatedGuest } from '../vmm/emulated-guest.ts';

const PAGE = 4096;

/** A guest that a real processor runs: what it writes comes back into encrypted memory when somebody looks. */
export class HandedOver {
  readonly #guest: EmulatedGuest;
  readonly #memory: GuestMemoryFile;

  constructor(guest: EmulatedGuest, memory: GuestMemoryFile) {
    this.#guest = guest;
    this.#memory = memory;
  }

  /**
   * Writes what the real guest's RAM holds there into the emulated guest's, as the guest would: private, but for pages
   * that firmware shared. The real guest has no C-bit to say otherwise. Throws the errors of node:fs.
   */
  refresh(address: Gpa, length: number): void {
    this.#guest.resume(({ memory }) => {
      const end = address + BigInt(length);
      for (let page = address - (address % BigInt(PAGE)); page < end; page += BigInt(PAGE)) {
        const at = gpa(page);
        if (!this.#memory.holds(at)) continue;
        const bytes = this.#memory.read(at, PAGE);
        if (memory.isShared(at)) memory.writeShared(at, bytes);
        else memory.writePrivate(at, bytes);
      }
    });
  }
}
