import { type SevStatus, statusFromCode } from '@sevlab/codec/sev/status';
import type { Remark } from '@sevlab/vmm-sim/qemu/host-ports';

/** Why the AMD-SP may have said so, and where to look. */
const CAUSES: Partial<Record<SevStatus, string>> = {
  BAD_MEASUREMENT:
    'a MAC does not fit. The packet was sealed with another TIK, for another measurement of this guest (look at what ' +
    'query-sev-launch-measure says now), or it was changed on the way; of a session, the policy differs from the one it was made for',
  BAD_SIGNATURE:
    'the certificate of the guest owner is not signed as the session says; look at the order of dh-cert and session',
  INVALID_LENGTH:
    'a length is wrong: the header has 52 bytes, the packet a multiple of 16. Base64 without its padding loses bytes',
  INVALID_ADDRESS: 'the address is no multiple of 16, or there is no memory',
  INVALID_GUEST_STATE: 'the guest is not waiting for secrets: it was not measured yet, or it runs',
  POLICY_FAILURE: 'the policy asks for something that this platform does not offer',
  UNSUPPORTED: 'the packet says that it is compressed',
};

const KVM_CAUSES: Readonly<Record<number, string>> = {
  12: 'KVM has no memory there',
  22: 'KVM refused it: a blob is empty or longer than 16384 bytes, or the target is not contiguous in host memory',
};

/** A remark as a person reads it: what happened, and what to look at. */
export function remarkText(remark: Remark): string {
  if (remark.kind === 'area 0/0')
    return (
      'sev-inject-launch-secret: no gpa, and the image says that its secret area is at 0 with size 0: QEMU injects at ' +
      'address 0, where no firmware looks; expected an AmdSev image, or a gpa'
    );
  if (remark.kind === 'beyond area')
    return (
      `sev-inject-launch-secret: ${remark.length} bytes into an area of ${remark.size}; QEMU does not look, and what ` +
      'follows the area (such as the table of kernel hashes) is overwritten'
    );
  const { ret, fwError, command = remark.call } = remark.answer;
  const status = fwError === 0 ? undefined : statusFromCode(fwError);
  if (status === undefined) return `${remark.call}: ${KVM_CAUSES[-ret] ?? `errno ${-ret}`}`;
  return `${command}: ${status}: ${CAUSES[status] ?? 'see docs/reference/statuses.md'}`;
}
