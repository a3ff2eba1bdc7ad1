import { type Gpa, gpa } from '@sevlab/codec/address';
import type { EmulatedGuest } from '../vmm/emulated-guest.ts';
import type { RealMachine } from './real-machine.ts';

const PAGE = 4096;

/** A guest that a real processor runs: what it writes comes back into encrypted memory when somebody looks. */
export class HandedOver {
  readonly #guest: EmulatedGuest;
  readonly #real: RealMachine;

  constructor(guest: EmulatedGuest, real: RealMachine) {
    this.#guest = guest;
    this.#real = real;
  }

  /**
   * Writes what the real guest's RAM holds there into the emulated guest's, as the guest would: private, but for pages
   * that firmware shared. The real guest has no C-bit to say otherwise. Throws the errors of node:fs.
   */
  refresh(address: Gpa, length: number): void {
    const ram = this.#real.memory;
    if (ram === undefined) return;
    this.#guest.resume(({ memory }) => {
      const end = address + BigInt(length);
      for (let page = address - (address % BigInt(PAGE)); page < end; page += BigInt(PAGE)) {
        const at = gpa(page);
        if (!ram.holds(at)) continue;
        const bytes = ram.read(at, PAGE);
        if (memory.isShared(at)) memory.writeShared(at, bytes);
        else memory.writePrivate(at, bytes);
      }
    });
  }
}
