import { hexAddress } from '@sevlab/codec/address';
import { toHex } from '@sevlab/codec/bytes';
import type { KernelCase } from '../case.ts';
import { kernelProbe } from '../kernel-probe.ts';
import type { KernelRequest } from './protocol.ts';

/** What a kernel is asked in a case, with every default filled in. */
export function kernelRequest(testCase: KernelCase): KernelRequest {
  const { tables, build, linux } = testCase.given;
  const { area, base, size, at = base, mode, operations } = kernelProbe(testCase);
  return {
    ...{ do: 'kernel', case: testCase.id, mode, area: toHex(area) },
    ...{ base: hexAddress(base), size: hexAddress(size), at: hexAddress(at), operations },
    ...(linux !== undefined && { linux }),
    ...(build !== undefined && { build }),
    ...(tables !== undefined && { tables }),
  };
}
