import { hexAddress } from '@sevlab/codec/address';
import { statusFromCode } from '@sevlab/codec/sev/status';
import type { Lint, Refusal, Remark } from '@sevlab/vmm-sim/qemu/host-ports';
import { STATUS_CAUSES } from '../explain/status-causes.ts';

const KVM_CAUSES: Readonly<Record<number, string>> = {
  12: 'KVM has no memory there',
  22: 'KVM refused it: a blob is empty or longer than 16384 bytes, or the target is not contiguous in host memory',
};

/** Whether a remark explains what a client was refused; others are for those who want to know what QEMU lets pass. */
export const isRefusal = (remark: Remark): remark is Refusal => remark.kind === 'refused';

/** A remark as a person reads it: what happened, and what to look at. */
export const remarkText = (remark: Remark): string =>
  isRefusal(remark) ? refusalText(remark) : lintText(remark);

function refusalText({ call, answer: { ret, fwError, command = call } }: Refusal): string {
  const status = fwError === 0 ? undefined : statusFromCode(fwError);
  if (status === undefined) return `${call}: ${KVM_CAUSES[-ret] ?? `errno ${-ret}`}`;
  return `${command}: ${status}: ${STATUS_CAUSES[status] ?? 'see docs/reference/statuses.md'}`;
}

const INJECT = 'sev-inject-launch-secret';

function lintText(lint: Lint): string {
  switch (lint.kind) {
    case 'ignored options':
      return `taken, and without effect here: ${lint.options.join(' ')}`;
    case 'no session':
      return 'no session-file: nobody has keys to verify this launch with, or to seal a secret for it';
    case 'kernel not measured':
      return '-kernel without kernel-hashes=on: the host can give another kernel, and the measurement stays the same';
    case 'area 0/0':
      return (
        `${INJECT}: no gpa, and the image says that its secret area is at 0 with size 0: QEMU injects at address 0, ` +
        'where no firmware looks; expected an AmdSev image, or a gpa'
      );
    case 'beyond area':
      return (
        `${INJECT}: ${lint.length} bytes into an area of ${lint.size}; QEMU does not look, and what follows the area ` +
        '(such as the table of kernel hashes) is overwritten'
      );
    case 'outside area': {
      const { at, area } = lint;
      const announced = area === undefined ? 'none' : `one at ${hexAddress(BigInt(area.base))}`;
      return `${INJECT}: to ${hexAddress(at)}, and the image announces ${announced} as secret area; its firmware tells the guest of no other`;
    }
    case 'injected again':
      return `${INJECT}: not the first one; QEMU takes any number, and a table in the same place replaces the one before`;
    case 'loose Base64':
      return (
        `${INJECT}: ${lint.name} is no proper Base64: GLib passes over what is not of it and drops an unfinished ` +
        `group; ${lint.length} bytes are left`
      );
    case 'migrated early':
      return 'migrate: QEMU forbids it to a SEV guest only once the launch is finished; what arrives is ciphertext';
    case 'command elsewhere':
      return `${lint.name}: QEMU 7.2 has this command and the emulated machine has not; --real-qemu passes it on`;
  }
}
