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
const COMPLAINT = /^<[0-4]>(?!.*(tsc|clocksource|calibration))/i;

/** The kernel counts the timer's interrupts for some milliseconds of the host's, which a busy one may not give to it. */
const TIMER_COMPLAINT = /8254 timer/;

/** What kernels complain of, by a boot that gives the log's lines: a timer that is not connected is not so the next time either. */
export async function complaintsOf(
  boot: () => Promise<readonly string[]> | readonly string[],
): Promise<string[]> {
  for (let left = 2; ; left--) {
    const complaints = (await boot()).filter((line) => COMPLAINT.test(line));
    if (left === 0 || !complaints.some((line) => TIMER_COMPLAINT.test(line))) return complaints;
  }
}
