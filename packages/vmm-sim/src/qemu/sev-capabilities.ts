import { toBase64 } from '@sevlab/codec/bytes';
import { fillForm } from '@sevlab/codec/message-form';
import type { SevCalls } from '../kvm/sev-calls.ts';
import type { Reply } from '../qmp/json-value.ts';
import { QmpError } from '../qmp/qmp-error.ts';
import type { MachineOptions } from './machine-options.ts';
import { told } from './sev-launch.ts';
import { SEV_MESSAGES } from './sev-messages.ts';

/** `query-sev-capabilities` (QEMU 7.2, target/i386/sev.c: sev_get_capabilities). Throws QmpError. */
export function sevCapabilities(calls: SevCalls, accelerator: MachineOptions['accelerator']): Reply {
  if (accelerator !== 'kvm') throw new QmpError(SEV_MESSAGES['KVM not enabled']);
  if (!calls.available) throw new QmpError(SEV_MESSAGES['no SEV in KVM']);
  const { ret, fwError, pdh, certChain } = calls.pdhCertExport();
  if (ret !== 0) throw new QmpError(fillForm(SEV_MESSAGES['no PDH'], told({ ret: -1, fwError })));
  const id = calls.getId();
  if (id.ret !== 0) throw new QmpError(fillForm(SEV_MESSAGES['no ID'], told({ ...id, ret: -1 })));
  return {
    pdh: toBase64(pdh),
    'cert-chain': toBase64(certChain),
    'cpu0-id': toBase64(id.id),
    cbitpos: calls.cbitpos,
    'reduced-phys-bits': 1, // whatever the object says
  };
}
