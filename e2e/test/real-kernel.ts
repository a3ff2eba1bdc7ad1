import { fileURLToPath } from 'node:url';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import { QEMU } from '@sevlab/real-guest/qemu';
import { isOnPath } from './optional-program.ts';

const folder = fileURLToPath(new URL('../../packages/real-guest', import.meta.url));
const missing = [
  ...(isOnPath(QEMU) ? [] : [`${QEMU} (apt-get install --no-install-recommends qemu-system-x86)`]),
  ...(findGuestParts(folder) ? [] : ['a guest kernel (sh packages/real-guest/build.sh)']),
];

/** Whether a real kernel can be booted here. Where it cannot, tests are skipped, and that is said. */
export const realKernelIsThere: boolean = missing.length === 0;
if (!realKernelIsThere) process.stderr.write(`SKIPPED, no real kernel here: missing ${missing.join(', ')}\n`);

/**
 * A line of the kernel's log of level warning or worse. Not about clocks: under emulation, on a busy machine, they do
 * not agree, and no table of ours says how fast they are.
 */
export const COMPLAINT = /^<[0-4]>(?!.*(tsc|clocksource|calibration))/i;
