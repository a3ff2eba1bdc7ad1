// Mutants by hand. Each replaces a text that stands exactly once in its file.
import { AMD_SP } from './changes/amd-sp.mjs';
import { CHANNEL } from './changes/channel.mjs';
import { FIRMWARE } from './changes/firmware.mjs';
import { KERNEL } from './changes/kernel.mjs';
import { MACHINE } from './changes/machine.mjs';

export const CHANGES = [...AMD_SP, ...CHANNEL, ...MACHINE, ...FIRMWARE, ...KERNEL];
