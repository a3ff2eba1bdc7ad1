import { cStringBytes } from './json-text.ts';

/** Slots of a table that has not grown, and what GLib divides by there (GLib 2.74, ghash.c). */
const SLOTS = 8;
const DIVISOR = 7;

/**
 * The order in which a GHashTable gives texts that were put into it: it decides which of several wrong arguments QEMU
 * speaks of. DEVIATION: above seven texts, which make it grow, they stay as they are.
 */
export function inHashTableOrder(texts: readonly string[]): readonly string[] {
  if (texts.length >= SLOTS) return texts;
  const slots = new Array<string | undefined>(SLOTS);
  for (const text of texts) {
    let slot = (Math.imul(hashOf(text), 11) >>> 0) % DIVISOR;
    for (let step = 1; slots[slot] !== undefined; step++) slot = (slot + step) % SLOTS;
    slots[slot] = text;
  }
  return slots.filter((text) => text !== undefined);
}

/** g_str_hash(); its bytes are signed. */
const hashOf = (text: string): number => {
  const hash =
    cStringBytes(text).reduce((sum, byte) => (Math.imul(sum, 33) + ((byte << 24) >> 24)) | 0, 5381) >>> 0;
  return Math.max(hash, 2); // 0 and 1 are marks of empty slots
};
