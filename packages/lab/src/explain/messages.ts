import { fixedLength, readForm } from '@sevlab/codec/message-form';
import { STOP_REASONS } from '@sevlab/firmware-sim/stopped';
import { EFI_SECRET_MESSAGES, KERNEL_MESSAGES } from '@sevlab/guest-kernel-sim/log-messages';
import { OPTION_MESSAGES } from '@sevlab/vmm-sim/qemu/option-messages';
import { SEV_MESSAGES } from '@sevlab/vmm-sim/qemu/sev-messages';
import { QMP_MESSAGES } from '@sevlab/vmm-sim/qmp/qmp-messages';
import type { Cause, Explanation } from './explanation.ts';
import { EFI_SECRET_CAUSES, KERNEL_CAUSES } from './kernel-message-causes.ts';
import { OPTION_MESSAGE_CAUSES } from './option-message-causes.ts';
import { QMP_MESSAGE_CAUSES } from './qmp-message-causes.ts';
import { SEV_MESSAGE_CAUSES } from './sev-message-causes.ts';
import { STOP_CAUSES } from './stop-causes.ts';

/** Messages of one program: their forms, and what they mean. */
interface MessageTable {
  readonly by: string;
  readonly forms: Readonly<Record<string, string>>;
  readonly causes: Readonly<Record<string, Cause>>;
  /** Whose errno stands in them, as ERRNO_CAUSES begins it. */
  readonly errnoOf: string;
}

const TABLES: readonly MessageTable[] = [
  { by: 'QEMU', forms: SEV_MESSAGES, causes: SEV_MESSAGE_CAUSES, errnoOf: 'KVM' },
  { by: 'QEMU', forms: QMP_MESSAGES, causes: QMP_MESSAGE_CAUSES, errnoOf: 'KVM' },
  { by: 'QEMU', forms: OPTION_MESSAGES, causes: OPTION_MESSAGE_CAUSES, errnoOf: '' },
  { by: 'Linux, efi_secret', forms: EFI_SECRET_MESSAGES, causes: EFI_SECRET_CAUSES, errnoOf: 'efi_secret' },
  { by: 'Linux', forms: KERNEL_MESSAGES, causes: KERNEL_CAUSES, errnoOf: 'efi_secret' },
  { by: 'the firmware', forms: STOP_REASONS, causes: STOP_CAUSES, errnoOf: '' },
];

/** A message that was found in a text. */
export interface FoundMessage {
  readonly table: MessageTable;
  readonly form: string;
  readonly cause: Cause;
  readonly places: Readonly<Record<string, string>>;
}

/** Of each program the message that says most, and the one that it quotes. */
export function messagesIn(text: string): readonly FoundMessage[] {
  return TABLES.flatMap((table) => {
    const [best] = Object.entries(table.forms)
      .flatMap(([name, form]) => {
        const places = readForm(form, text);
        return places === undefined ? [] : [{ table, form, cause: table.causes[name]!, places }];
      })
      .sort((a, b) => fixedLength(b.form) - fixedLength(a.form));
    if (best === undefined) return [];
    return best.places.why === undefined ? [best] : [best, ...messagesIn(best.places.why)];
  });
}

/** What its program means by it. */
export const explainMessage = ({ table, form, cause }: FoundMessage): Explanation => ({
  kind: 'message',
  what: form,
  by: table.by,
  means: cause.means,
  ...(cause.look !== undefined && { look: cause.look }),
  source: cause.source,
});

/** Every form. */
export const MESSAGE_FORMS: readonly string[] = TABLES.flatMap(({ forms }) => Object.values(forms));
