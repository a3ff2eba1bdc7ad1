import { serve } from '@sevlab/psp-sim/mailbox';
import type { Target } from '../target.ts';
import { answerFirmware } from './sim-firmware.ts';
import { answerKernel } from './sim-kernel.ts';
import type { Serve } from './sim-platform.ts';
import { answerPsp } from './sim-psp.ts';
import { answerVmm } from './sim-vmm.ts';

/** The emulator itself. `amdSp` stands behind the mailbox; default: psp-sim. */
export const simTarget = (amdSp: Serve = serve): Target => ({
  name: 'sim',
  psp: (testCase) => answerPsp(testCase, amdSp),
  vmm: answerVmm,
  firmware: answerFirmware,
  kernel: answerKernel,
});
