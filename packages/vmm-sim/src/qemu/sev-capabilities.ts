import { toBase64 } from '@sevlab/codec/bytes';
import type { SevCalls } from '../kvm/sev-calls.ts';
import type { Reply } from '../qmp/json-value.ts';
import { QmpError } from '../qmp/qmp-error.ts';
import { firmwareErrorText } from './firmware-error.ts';
import type { MachineOptions } from './machine-options.ts';

/** `query-sev-capabilities` (QEMU 7.2, target/i386/sev.c: sev_get_capabilities). Throws QmpError. */
export function sevCapabilities(calls: SevCalls, accelerator: MachineOptions['accelerator']): Reply {
  if (accelerator !== 'kvm') throw new QmpError('KVM not enabled');
  if (!calls.available) throw new QmpError('SEV is not enabled in KVM');
  const { ret, fwError, pdh, certChain } = calls.pdhCertExport();
  const why = (code: number): string => `ret=-1 fw_err=${code} (${firmwareErrorText(code)})`;
  if (ret !== 0) throw new QmpError(`SEV: Failed to export PDH cert ${why(fwError)}`);
  const id = calls.getId();
  if (id.ret !== 0) throw new QmpError(`SEV: Failed to get ID ${why(id.fwError)}`);
  return {
    pdh: toBase64(pdh),
    'cert-chain': toBase64(certChain),
    'cpu0-id': toBase64(id.id),
    cbitpos: calls.cbitpos,
    'reduced-phys-bits': 1, // whatever the object says
  };
}
