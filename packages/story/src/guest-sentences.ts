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
    'On the way to the hand-over it looks for its own image, checks it, and builds the EFI tables for the kernel.',
    hostSentence(events),
  ),
  clause: 'edk2 OvmfPkg/AmdSev, SecretPei and SecretDxe',
  sees: 'Private memory in the clear.',
  cannotSee: 'Changes that the host makes to ciphertext, until it reads what they became.',
});

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
  const told = sentences(
    driver &&
      added &&
      `udev had the devices announced once more; for ${baseName(added.devpath)}${added.modalias ? ` (${added.modalias})` : ''} it loads the module efi_secret.`,
    memorySentence(driver ? 'The driver' : 'The kernel', events),
    found && `It found the entry of the secret area among the configuration tables: "${found.line.trim()}".`,
    found && !added && !driver && 'It registered no device for it.',
    !driver &&
      added &&
      `It registered the platform device ${baseName(added.devpath)}, which udev can find a module for.`,
    driver &&
      bound &&
      'The area starts with the header GUID 1e74f542-71dd-4d66-963e-ef4287ff173b, and the walk over its entries met no fault. ' +
        'The driver takes GUID and length of each entry; the data is not read before somebody reads a file.',
    !added && !bound && ueventSentence(events),
    logSentence(events),
    hostSentence(events),
  );
  return {
    title: driver
      ? 'The driver efi_secret reads the secret area'
      : added
        ? 'The kernel finds the EFI tables and registers efi_secret.0'
        : 'The kernel runs',
    sentence: told || 'The kernel used no private memory.',
    clause: driver
      ? 'drivers/virt/coco/efi_secret/efi_secret.c, efi_secret_probe()'
      : 'drivers/firmware/efi/efi.c, efi_config_parse_tables() and efisubsys_init()',
    sees: 'Private memory in the clear, the secret table included.',
    cannotSee: 'Whether the host put old ciphertext back: nothing checks integrity.',
  };
}

/** The last complaint, or else the last line. */
function logSentence(events: readonly AnyEvent[]): string | undefined {
  const lines = ofType(events, 'printk');
  const told = lines.findLast(({ level }) => level <= WARNING) ?? lines.at(-1);
  if (told === undefined) return undefined;
  const others = lines.length > 1 ? ` and ${plural(lines.length - 1, 'other line')}` : '';
  return `The kernel logged "${told.line.trim()}"${others}.`;
}

/** A command of the guest's shell, with its system calls and what the kernel did for them. */
export function describeShell({ events }: StepMaterial): Prose {
  const [shell] = ofType(events, 'shell');
  const calls = ofType(events, 'syscall');
  const unlinked = calls.filter(({ name, result }) => name === 'unlink' && result === 0);
  const failed = calls.find(({ result }) => typeof result === 'string');
  const looked = calls.some(isLook) && calls.every(usesNoSecret);
  // who looks at securityfs and no more reads other memory only for files elsewhere, such as /etc/passwd
  const used = looked ? [] : ofType(events, 'access').filter(({ actor }) => actor === 'kernel');
  return {
    title: shell ? `Shell: ${shell.command}` : 'System calls on securityfs',
    sentence: sentences(
      openingSentence(shell, calls),
      failed && `${failed.name} of ${baseName(failed.path)} gave ${failed.result}.`,
      readSentence(calls, used),
      unlinked.length > 0 && wipeSentence(unlinked, used),
      diskSentence(events),
      otherUseSentence(calls, used),
      looked && "Names and metadata come from the kernel's inodes: no byte of a secret was read.",
      ueventSentence(events),
      ofType(events, 'uevent').some(({ action }) => action === 'unbind') &&
        !used.some(isPrivateWrite) &&
        'No secret was wiped: only unlink does that.',
      logSentence(events),
      !looked && hostSentence(events),
    ),
    clause:
      unlinked.length > 0
        ? 'drivers/virt/coco/efi_secret/efi_secret.c, efi_secret_unlink()'
        : 'Documentation/security/secrets/coco.rst',
    sees: 'The files that its permissions allow, in the clear.',
    cannotSee: 'Secrets that were deleted.',
  };
}

/** The title has the whole command line; here its first word is enough. */
function openingSentence(
  shell: EventOf<'shell'> | undefined,
  calls: readonly EventOf<'syscall'>[],
): string | undefined {
  if (shell === undefined) {
    const names = listed([...new Set(calls.map(({ name }) => name))]);
    return `A process used securityfs${names === '' ? '' : `: ${names}`}.`;
  }
  const [program] = shell.command.trim().split(/\s+/);
  const outcome = shell.status === 0 ? '' : `, which failed with exit status ${shell.status}`;
  return `Root ran ${program || 'nothing'}${outcome}.`;
}

const isRead = ({ name, result }: EventOf<'syscall'>): boolean =>
  (name === 'read' || name === 'pread64') && typeof result === 'number' && result > 0;

const isLook = ({ name, result }: EventOf<'syscall'>): boolean =>
  (name === 'stat' || name === 'getdents64') && typeof result === 'number';

/** Calls that a listing makes; they leave what is behind a file alone. */
const LISTING: ReadonlySet<string> = new Set(
  'stat lstat fstat statx open close getdents64 readlink access chdir'.split(' '),
);

const usesNoSecret = ({ name, result }: EventOf<'syscall'>): boolean =>
  LISTING.has(name) || typeof result === 'string' || (name === 'read' && result === 0);

/** What came out of which file. */
function readSentence(
  calls: readonly EventOf<'syscall'>[],
  used: readonly EventOf<'access'>[],
): string | undefined {
  const lengths = new Map<string, number>();
  for (const { path, result } of calls.filter(isRead)) {
    lengths.set(path, (lengths.get(path) ?? 0) + Number(result));
  }
  if (lengths.size === 0) return undefined;
  const what = listed([...lengths].map(([path, length]) => `${byteCount(length)} of ${baseName(path)}`));
  const isPrivate = used.some(({ operation, view }) => operation === 'read' && view === 'private');
  return `It read ${what}${isPrivate ? ' in the clear; the kernel took them out of private memory at that moment' : ''}.`;
}

function wipeSentence(unlinked: readonly EventOf<'syscall'>[], used: readonly EventOf<'access'>[]): string {
  const files = listed(unlinked.map(({ path }) => baseName(path)));
  const wiped = used.filter(isPrivateWrite);
  if (wiped.length === 0) return `unlink took the name ${files} away.`;
  const zeros = wiped.every(({ closed }) => bytesOf(closed, 'plain')?.every((byte) => byte === 0));
  return sentences(
    `Before unlink of ${files} took the name away, the kernel overwrote data and GUID of its entry, ${byteCount(totalOf(wiped))} of private memory.`,
    zeros && 'All of them are zero now.',
    "The entry's length stays, so that the next walk over the table can pass it.",
  );
}

/** What neither reading a file nor deleting one explains. */
function otherUseSentence(
  calls: readonly EventOf<'syscall'>[],
  used: readonly EventOf<'access'>[],
): string | undefined {
  const reads = calls.some(isRead);
  const deletes = calls.some(({ name }) => name === 'unlink');
  return memorySentence(
    'The kernel',
    used.filter(({ operation }) => !deletes && (operation === 'write' || !reads)),
  );
}

const isPrivateWrite = ({ operation, view }: EventOf<'access'>): boolean =>
  operation === 'write' && view === 'private';

function ueventSentence(events: readonly AnyEvent[]): string | undefined {
  const announced = ofType(events, 'uevent').map(({ action, devpath }) => `${action} ${baseName(devpath)}`);
  if (announced.length === 0) return undefined;
  return `The kernel sent ${plural(announced.length, 'uevent')}: ${listed(announced)}.`;
}

function diskSentence(events: readonly AnyEvent[]): string | undefined {
  const transfers = ofType(events, 'access').filter(({ actor }) => actor === 'disk');
  if (transfers.length === 0) return undefined;
  return `The host's disk moved ${byteCount(totalOf(transfers))} through shared memory; the host can read and change them on the way.`;
}

/** What the host has of the memory that was used. */
function hostSentence(events: readonly AnyEvent[]): string | undefined {
  const used = ofType(events, 'access');
  if (!used.some(({ view }) => view === 'private')) return undefined;
  const bytes = used.every(({ view }) => view === 'private') ? 'these bytes are' : 'the private bytes are';
  return `In DRAM, and so for the host, ${bytes} ciphertext.`;
}

/** Who read and wrote how many bytes of private and shared memory; a single access is told with its place. */
function memorySentence(who: string, events: readonly AnyEvent[]): string | undefined {
  const uses = (['read', 'write'] as const).flatMap((operation) =>
    (['private', 'shared'] as const).flatMap((view) => {
      const own = ofType(events, 'access').filter(
        (event) => event.operation === operation && event.view === view,
      );
      const length = totalOf(own);
      if (length === 0) return [];
      const what = operation === 'read' ? `read ${byteCount(length)} of` : `wrote ${byteCount(length)} to`;
      const place = own.length === 1 && own[0]?.gpa !== undefined ? ` at GPA ${own[0].gpa}` : '';
      return [`${what} ${view} memory${place}`];
    }),
  );
  return uses.length === 0 ? undefined : `${who} ${listed(uses)}.`;
}

const totalOf = (accesses: readonly EventOf<'access'>[]): number =>
  accesses.reduce((sum, { length }) => sum + length, 0);
