import { LAYOUTS } from '@sevlab/firmware-sim/layouts';
import { KERNEL_PROFILES } from '@sevlab/guest-kernel-sim/profile';
import { PARTS } from '@sevlab/machine/part';
import { PROFILES } from '@sevlab/psp-sim/profile';
import { SUPPORT } from '@sevlab/psp-sim/support';
import { VERSION } from './version.ts';

/** What this build can do, as data. */
export const capabilities = () => ({
  sevlab: VERSION,
  simulated: true,
  parts: Object.keys(PARTS),
  firmwareProfiles: Object.keys(PROFILES),
  layouts: Object.keys(LAYOUTS),
  linux: KERNEL_PROFILES,
  commands: Object.entries(SUPPORT).map(([name, support]) => ({
    name,
    support:
      support.command === undefined
        ? 'no'
        : support.partial === undefined
          ? 'full'
          : `partial: ${support.partial}`,
  })),
  emulates: { sev: 'whole', sevEs: 'launch', sevSnp: 'not' },
});
