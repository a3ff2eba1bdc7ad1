import { serve } from '@sevlab/psp-sim/mailbox';
import { askTenant } from '../exec/remote-tenant.ts';
import { remoteVmm } from '../exec/remote-vmm.ts';
import type { Target } from '../target.ts';
import { converse } from '../vmm-answer.ts';
import { answerFirmware } from './sim-firmware.ts';
import { answerKernel } from './sim-kernel.ts';
import type { Serve } from './sim-platform.ts';
import { answerPsp } from './sim-psp.ts';
import { answerTenant } from './sim-tenant.ts';
import { createSimVmm } from './sim-vmm.ts';

/** The emulator itself. `amdSp` stands behind the mailbox; default: psp-sim. */
export const simTarget = (amdSp: Serve = serve): Target => ({
  name: 'sim',
  psp: (testCase) => answerPsp(testCase, amdSp),
  vmm: (testCase) => converse(testCase, remoteVmm(createSimVmm(), testCase)),
  tenant: (testCase) => askTenant(answerTenant, testCase),
  firmware: answerFirmware,
  kernel: answerKernel,
});
