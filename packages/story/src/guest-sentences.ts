import { type AnyEvent, bytesOf, type EventOf, ofType } from './event.ts';
import type { Prose, StepMaterial } from './sentences.ts';
import { baseName, byteCount, listed, plural, sentences } from './wording.ts';

/** Syslog numbers up to this one are complaints (include/linux/kern_levels.h, KERN_WARNING). */
const WARNING = 4;

/** VMRUN: the processor enters the guest. */
export const describeVmrun = ([event]: readonly EventOf<'vmrun'>[]): Prose => ({
  title: 'VMRUN: the guest starts',
  sentence:
    `The host executed VMRUN on ASID ${event?.asid}. The processor fetches the guest's instructions through the memory key of that ASID, ` +
    'so only what was encrypted under that key makes sense as code. The host schedules the guest and cannot read its private memory.',
  clause: 'APM volume 2, Secure Encrypted Virtualization',
  sees: 'When the guest runs and exits; without SEV-ES also its registers at each exit.',
  cannotSee: "The guest's private memory in the clear.",
});

/** The firmware's use of memory between VMRUN and the hand-over. */
export const describeFirmware = ({ events }: StepMaterial): Prose => ({
  title: 'The firmware runs from encrypted memory',
  sentence: sentences(
    memorySentence('The firmware', events),
    "On the way to the hand-over it looks for its own image, does what the image announces and builds the EFI tables, all through the guest's key.",
    CIPHERTEXT_ONLY,
  ),
  clause: 'edk2 OvmfPkg/AmdSev, SecretPei and SecretDxe',
  sees: 'Private memory in the clear.',
  cannotSee: 'Changes that the host makes to ciphertext, until it reads what they became.',
});

const CIPHERTEXT_ONLY = 'In DRAM, and so for the host, these bytes are ciphertext.';

export const describeHandover = ([event]: readonly EventOf<'handover'>[]): Prose => ({
  title: 'The firmware hands over to the kernel',
  sentence: sentences(
    event &&
      `The firmware left boot_params at GPA ${event.bootParams}, the EFI system table at GPA ${event.systemTable} and the memory map at GPA ${event.memoryMap}, all in private memory.`,
    secretAreaSentence(event),
  ),
  clause: 'UEFI specification, EFI_BOOT_SERVICES.ExitBootServices()',
  sees: 'Private memory in the clear.',
  cannotSee: 'What the kernel will do with it.',
});

function secretAreaSentence(event: EventOf<'handover'> | undefined): string {
  if (event?.secretArea === undefined) return 'No configuration table entry tells of a secret area.';
  const { base, size, reserved } = event.secretArea;
  const pages = reserved
    ? 'Its pages are EFI_RESERVED_TYPE, so the kernel leaves them alone.'
    : 'Its pages are not reserved, so the kernel may use them for something else.';
  return `The entry adf956ad-e98c-484c-ae11-b51c7d336447 leads to the secret area: GPA ${base}, ${byteCount(size)}. ${pages}`;
}

/** The kernel until user space types commands: boot, and then the driver. */
export function describeKernel({ events }: StepMaterial): Prose {
  const [added, bound] = ['add', 'bind'].map((action) =>
    ofType(events, 'uevent').find((event) => event.action === action),
  );
  const found = ofType(events, 'printk').find(({ line }) => line.includes('CocoSecret='));
  const driver = bound !== undefined || (added !== undefined && events[0] === added);
  return {
    title: driver
      ? 'The driver efi_secret reads the secret area'
      : added
        ? 'The kernel finds the EFI tables and registers efi_secret.0'
        : 'The kernel runs',
    sentence: sentences(
      driver &&
        added &&
        `The kernel announced ${baseName(added.devpath)} again; udev resolves ${added.modalias ?? 'its modalias'} to the module efi_secret.`,
      memorySentence(driver ? 'The driver' : 'The kernel', events),
      found &&
        `It found the entry of the secret area among the configuration tables: "${found.line.trim()}".`,
      !driver &&
        added &&
        `It registered the platform device ${baseName(added.devpath)}, which udev can find a module for.`,
      driver &&
        bound &&
        'The area starts with the header GUID 1e74f542-71dd-4d66-963e-ef4287ff173b, and the walk over its entries met no fault.',
      !added && !bound && ueventSentence(events),
      logSentence(events),
      ofType(events, 'access').length > 0 && CIPHERTEXT_ONLY,
    ),
    clause: driver
      ? 'drivers/virt/coco/efi_secret/efi_secret.c, efi_secret_probe()'
      : 'drivers/firmware/efi/efi.c, efi_config_parse_tables() and efisubsys_init()',
    sees: 'Private memory in the clear, the secret table included.',
    cannotSee: 'Whether the host put old ciphertext back: nothing checks integrity.',
  };
}

function logSentence(events: readonly AnyEvent[]): string | undefined {
  const lines = ofType(events, 'printk');
  const told = lines.findLast(({ level }) => level <= WARNING) ?? lines.at(-1);
  if (told === undefined) return undefined;
  return `The kernel log got ${plural(lines.length, 'line')}, such as "${told.line.trim()}".`;
}

/** A command of the guest's shell, with its system calls and what the kernel did for them. */
export function describeShell({ events }: StepMaterial): Prose {
  const [shell] = ofType(events, 'shell');
  const unlinked = ofType(events, 'syscall').filter(({ name, result }) => name === 'unlink' && result === 0);
  const access = ofType(events, 'access');
  return {
    title: shell ? `Shell: ${shell.command}` : 'System calls on securityfs',
    sentence: sentences(
      shell
        ? `A root process ran "${shell.command}"; its exit status is ${shell.status}.`
        : 'A process used securityfs.',
      syscallSentence(events),
      memorySentence(
        'The kernel',
        events.filter(({ actor }) => actor === 'kernel'),
      ),
      unlinked.length > 0 && wipeSentence(unlinked, access),
      diskSentence(events),
      ueventSentence(events),
      logSentence(events),
      access.some(({ view }) => view === 'private') && CIPHERTEXT_ONLY,
    ),
    clause:
      unlinked.length > 0
        ? 'drivers/virt/coco/efi_secret/efi_secret.c, efi_secret_unlink()'
        : 'Documentation/security/secrets/coco.rst',
    sees: 'The files that its permissions allow, in the clear.',
    cannotSee: 'Secrets that were deleted.',
  };
}

function syscallSentence(events: readonly AnyEvent[]): string | undefined {
  const calls = ofType(events, 'syscall');
  if (calls.length === 0) return undefined;
  const names = [...new Set(calls.map(({ name }) => name))];
  const read = calls
    .filter(({ name }) => name === 'read' || name === 'pread64')
    .reduce((sum, { result }) => sum + (typeof result === 'number' ? result : 0), 0);
  const failed = calls.find(({ result }) => typeof result === 'string');
  return sentences(
    `It made ${plural(calls.length, 'system call')} on securityfs: ${listed(names)}.`,
    read > 0 && `It read ${byteCount(read)} of plaintext.`,
    failed && `${failed.name} on ${baseName(failed.path)} gave ${failed.result}.`,
  );
}

function wipeSentence(unlinked: readonly EventOf<'syscall'>[], access: readonly EventOf<'access'>[]): string {
  const files = listed(unlinked.map(({ path }) => baseName(path)));
  const wiped = access.filter(({ operation, view }) => operation === 'write' && view === 'private');
  const zeros =
    wiped.length > 0 && wiped.every(({ closed }) => bytesOf(closed, 'plain')?.every((byte) => byte === 0));
  return sentences(
    `unlink of ${files} overwrites the data of the entry with zeros and its GUID with NULL_GUID; the length stays.`,
    zeros && 'All bytes that the kernel wrote here are zero.',
  );
}

function ueventSentence(events: readonly AnyEvent[]): string | undefined {
  const announced = ofType(events, 'uevent').map(({ action, devpath }) => `${action} ${baseName(devpath)}`);
  return announced.length === 0 ? undefined : `The kernel announced ${listed(announced)}.`;
}

function diskSentence(events: readonly AnyEvent[]): string | undefined {
  const transfers = ofType(events, 'access').filter(({ actor }) => actor === 'disk');
  if (transfers.length === 0) return undefined;
  const length = transfers.reduce((sum, event) => sum + event.length, 0);
  return `The host's disk moved ${byteCount(length)} through shared memory; the host can read and change them on the way.`;
}

/** Who read and wrote how many bytes of private and shared memory. */
function memorySentence(who: string, events: readonly AnyEvent[]): string | undefined {
  const uses = (['read', 'write'] as const).flatMap((operation) =>
    (['private', 'shared'] as const).flatMap((view) => {
      const length = ofType(events, 'access')
        .filter((event) => event.operation === operation && event.view === view)
        .reduce((sum, event) => sum + event.length, 0);
      return length === 0
        ? []
        : [`${operation === 'read' ? 'read' : 'wrote'} ${byteCount(length)} of ${view} memory`];
    }),
  );
  return uses.length === 0 ? undefined : `${who} ${listed(uses)}.`;
}
