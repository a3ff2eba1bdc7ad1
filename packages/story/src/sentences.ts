import { toHex } from '@sevlab/codec/bytes';
import { readSecretTable } from '@sevlab/codec/efi/secret-table';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { describeCommand, describeStatus } from './command-sentences.ts';
import { type AnyEvent, bytesOf, decoded, type EventOf, lengthOf, ofType } from './event.ts';
import {
  describeFirmware,
  describeHandover,
  describeKernel,
  describeShell,
  describeVmrun,
} from './guest-sentences.ts';
import type { Origin } from './known-bytes.ts';
import type { StepKind } from './step-events.ts';
import { byteCount, hex, listed, plural, sentences } from './wording.ts';

/** What a step is told from. */
export interface StepMaterial {
  readonly kind: StepKind;
  readonly events: readonly AnyEvent[];
  /** The check that a command failed at. */
  readonly decidedBy: { readonly condition: string; readonly status: string } | undefined;
  /** Whether the host writes to a page that holds a guest's private memory. */
  readonly changesGuest: boolean;
  /** The command that the next step is, if it is one. */
  readonly nextCommand: string | undefined;
  /** Where the bytes of a host's access are known from. */
  originOf(event: EventOf<'access'>): Origin | undefined;
}

export interface Prose {
  readonly title: string;
  /** Who did what to which bytes, and who could see it. */
  readonly sentence: string;
  /** Document and title. */
  readonly clause?: string;
  /** What the step's actor sees of it. */
  readonly sees: string;
  readonly cannotSee: string;
}

/** The words for a step. */
export function describeStep(step: StepMaterial): Prose {
  const { events } = step;
  switch (step.kind) {
    case 'message':
      return describeMessage(ofType(events, 'message'));
    case 'verdict':
      return describeVerdict(ofType(events, 'verdict'));
    case 'command':
      return describeCommand(step);
    case 'host-memory':
      return describeHostMemory(step);
    case 'vmrun':
      return describeVmrun(ofType(events, 'vmrun'));
    case 'firmware':
      return describeFirmware(step);
    case 'handover':
      return describeHandover(ofType(events, 'handover'));
    case 'kernel':
      return describeKernel(step);
    case 'shell':
      return describeShell(step);
    case 'kvm':
      return describeKvm(ofType(events, 'kvm'));
    case 'qmp':
      return describeQmp(ofType(events, 'qmp'));
    case 'stop':
      return describeStop(ofType(events, 'stop'));
  }
}

/** A call that led to no command, or to several; otherwise it belongs to the command. */
function describeKvm([event]: readonly EventOf<'kvm'>[]): Prose {
  if (event === undefined) return NOTHING;
  return {
    title: `${event.call}: ${event.ret === 0 ? 'done' : 'refused'}`,
    sentence: `The VMM called ${event.call}, and KVM answered ${resultOf(event)}.`,
    clause: 'Linux, Documentation/virt/kvm/x86/amd-memory-encryption.rst',
    sees: 'Its own arguments, and the answer.',
    cannotSee: 'The keys that the AMD-SP holds.',
  };
}

/** `0`, or `-5 with firmware error 11`. */
const resultOf = ({ ret, fwError }: EventOf<'kvm'>): string =>
  fwError === 0 ? `${ret}` : `${ret} with firmware error ${fwError}`;

function describeQmp([event]: readonly EventOf<'qmp'>[]): Prose {
  if (event === undefined) return NOTHING;
  return {
    title: event.from === 'client' ? 'A client asks the VMM' : 'The VMM answers',
    sentence: `On the monitor of the VMM ${event.from === 'client' ? 'a client' : 'the VMM'} said: ${event.text}`,
    sees: 'Every message of the monitor.',
    cannotSee: 'What a sealed packet holds.',
  };
}

/** `pdh (2084 bytes) and pek (2084 bytes)` */
function fieldsOf(event: EventOf<'message'>): string {
  return listed(
    Object.keys(event.open ?? {}).map((name) => {
      const length = lengthOf(event.open, name);
      return length === undefined ? name : `${name} (${byteCount(length)})`;
    }),
  );
}

function describeMessage([event]: readonly EventOf<'message'>[]): Prose {
  switch (event?.name) {
    case 'certificates':
      return {
        title: 'The certificates go to the guest owner',
        sentence: sentences(
          "The host sent the platform's certificates to the guest owner.",
          `They are ${fieldsOf(event) || 'not in this trace'}.`,
          'All of them are public. A host may send others: only signatures count.',
        ),
        clause: '55766, PDH_CERT_EXPORT',
        sees: 'Every byte of the certificates.',
        cannotSee: 'Which root the guest owner trusts, and what it wants to launch.',
      };
    case 'session':
      return {
        title: 'The guest owner sends its certificate and the session',
        sentence: sentences(
          `The guest owner sent ${fieldsOf(event) || 'its certificate and the session'} to the host, which passes them on.`,
          'TEK and TIK are inside, wrapped with a secret that only the guest owner and the AMD-SP with this PDH can compute. The host sees them wrapped.',
        ),
        clause: '55766, LAUNCH_START',
        sees: 'TEK and TIK: it made them.',
        cannotSee: 'What the host does with the session; it may use it more than once.',
      };
    case 'measurement':
      return {
        title: 'The measurement goes to the guest owner',
        sentence: sentences(
          'The host sent the guest owner what LAUNCH_MEASURE had written.',
          measurementSentence(event),
          'Everybody can read it, and nobody without the TIK can make one that fits.',
        ),
        clause: '55766, LAUNCH_MEASURE',
        sees: 'MEASURE and MNONCE.',
        cannotSee: 'The TIK that MEASURE was made with.',
      };
    case 'packet':
      return {
        title: 'The guest owner sends the sealed secrets',
        sentence: sentences(
          'The guest owner encrypted the secrets with the TEK, authenticated the packet with the TIK and sent it to the host.',
          packetSentence(event),
          'The host cannot read the data, and cannot change a bit of the packet unnoticed; it can refuse to pass it on.',
        ),
        clause: '55766, LAUNCH_SECRET',
        sees: 'The secrets and the packet.',
        cannotSee: 'Whether the host delivers the packet, and to which address.',
      };
    case undefined:
      return NOTHING;
  }
}

/** A step without the event that it is named after; there is none in a trace. */
const NOTHING: Prose = {
  title: 'Nothing',
  sentence: 'Nothing happened.',
  sees: 'Nothing.',
  cannotSee: 'Nothing.',
};

function measurementSentence({ open }: EventOf<'message'>): string | undefined {
  const measurement = decoded(LaunchMeasurement, bytesOf(open, 'measurement'));
  if (measurement === undefined) return undefined;
  return `MEASURE is ${toHex(measurement.measure.subarray(0, 8))}… and MNONCE ${toHex(measurement.mnonce.subarray(0, 8))}….`;
}

function packetSentence(event: EventOf<'message'>): string {
  const plaintext = bytesOf(event.closed, 'plaintext');
  const table = plaintext && readSecretTable(plaintext);
  const length = lengthOf(event.closed, 'plaintext');
  return sentences(
    `The packet is ${fieldsOf(event) || 'not in this trace'}.`,
    length !== undefined && `The plaintext has ${byteCount(length)}.`,
    table?.header !== undefined &&
      table.error === undefined &&
      `It is a secret table; its entries are ${listed(table.entries.map(({ guid }) => guid)) || 'none'}.`,
  );
}

function describeVerdict([event]: readonly EventOf<'verdict'>[]): Prose {
  if (event === undefined) return NOTHING;
  const { name, accepted, reason } = event;
  const outcome = accepted ? 'accepts' : 'refuses';
  const certificates = name === 'certificates';
  const consequence = accepted
    ? certificates
      ? 'The PDH belongs to an AMD-SP under the trusted root, so a secret agreed with it is known to that AMD-SP and the guest owner only.'
      : 'The bytes that were measured, the policy and the firmware version are the wanted ones, so secrets may be sealed for this launch.'
    : certificates
      ? 'No session is sent, so there is nothing that the host could use.'
      : 'No secret leaves the guest owner.';
  return {
    title: `The guest owner ${outcome} the ${name}`,
    sentence: `The guest owner ${accepted ? 'accepted' : 'refused'} the ${name}: ${reason}. ${consequence}`,
    clause: certificates ? '55766, PDH_CERT_EXPORT' : '55766, LAUNCH_MEASURE',
    sees: certificates
      ? 'The certificates and its own trusted root.'
      : 'The measurement, its image, policy and the TIK.',
    cannotSee: certificates
      ? 'The private keys behind the certificates.'
      : 'What happens to memory after the measurement.',
  };
}

/** More uses of memory than this are counted, not listed. */
const LISTED_USES = 3;

function describeHostMemory(step: StepMaterial): Prose {
  const { events, changesGuest, nextCommand } = step;
  const uses = ofType(events, 'access');
  const moves = ofType(events, 'remap');
  const writes = uses.filter(({ operation }) => operation === 'write');
  const title =
    moves.length > 0
      ? 'The host moves guest pages'
      : changesGuest
        ? 'The host writes over guest memory'
        : writes.length > 0
          ? 'The host places bytes in memory'
          : 'The host reads memory';
  return {
    title,
    sentence: sentences(
      ...(['write', 'read'] as const).map((operation) => usesSentence(step, uses, operation)),
      ...moves
        .slice(0, LISTED_USES)
        .map(({ gpa, spa }) => `The host made sPA ${spa} the place of GPA ${gpa} from now on.`),
      moves.length > LISTED_USES && `It moved ${moves.length} pages in all.`,
      moves.length > 0 &&
        'Encryption depends on the sPA: what was encrypted for another address decrypts to something else.',
      changesGuest &&
        "Cells there hold a guest's private memory. The guest will decrypt whatever lies there: memory encryption has no integrity check.",
      writes.length > 0 &&
        !changesGuest &&
        `The host knows what it writes; the AMD-SP can read it there${nextCommand === undefined ? '' : `, as ${nextCommand} will`}.`,
    ),
    clause: 'APM volume 2, Secure Encrypted Virtualization',
    sees: 'The cells of DRAM as they are.',
    cannotSee: 'What private memory decrypts to.',
  };
}

function usesSentence(
  { originOf }: StepMaterial,
  uses: readonly EventOf<'access'>[],
  operation: 'read' | 'write',
): string | undefined {
  const own = uses.filter((event) => event.operation === operation);
  if (own.length === 0) return undefined;
  const verb = operation === 'read' ? 'read' : 'wrote';
  const who = own.every(({ actor }) => actor === 'disk') ? "The host's disk" : 'The host';
  if (own.length > LISTED_USES) {
    return `${who} ${verb} ${byteCount(own.reduce((sum, { length }) => sum + length, 0))} at ${own.length} places.`;
  }
  const places = own.map((event) => {
    const [segment] = event.segments;
    const what = sentences(byteCount(event.length), originWords(originOf(event)));
    return `${what} at ${segment ? `sPA ${segment.spa}` : 'no place in DRAM'}`;
  });
  return `${who} ${verb} ${listed(places)}.`;
}

const FIELD_WORDS: Readonly<Record<string, string>> = {
  godh: "the guest owner's certificate",
  session: 'the session',
  header: 'the packet header',
  data: 'the packet data',
  measurement: 'the measurement',
};

function originWords(origin: Origin | undefined): string | undefined {
  if (origin === undefined) return undefined;
  if (origin.kind === 'command') return `(that ${origin.name} wrote)`;
  return `(${Object.hasOwn(FIELD_WORDS, origin.field) ? FIELD_WORDS[origin.field] : origin.field})`;
}

const describeStop = ([event]: readonly EventOf<'stop'>[]): Prose => ({
  title: 'The guest stops',
  sentence: `The guest stopped: ${event?.reason ?? 'no reason is known'}. In DRAM its private memory stays ciphertext.`,
  sees: 'What it saw while it ran.',
  cannotSee: 'What happens to its memory from here on.',
});

/** One line for one event, for a list of all of them. */
export function describeEvent(event: AnyEvent): string {
  switch (event.type) {
    case 'message':
      return `${event.actor} sends ${event.name} to ${event.to}: ${fieldsOf(event) || 'no bytes'}.`;
    case 'verdict':
      return `The guest owner ${event.accepted ? 'accepts' : 'refuses'} the ${event.name}: ${event.reason}.`;
    case 'command':
      return `The host rings the mailbox: ${event.name} (${hex(event.id, 3)}), buffer at sPA ${event.bufferPaddr}.`;
    case 'precondition':
      return event.held
        ? `Check of ${event.name} holds: ${event.condition}.`
        : `Check of ${event.name} fails: ${event.condition}; the status is ${event.status}.`;
    case 'status':
      return `The AMD-SP answers ${event.name} with ${describeStatus(event)}`;
    case 'key':
      return event.installed
        ? `The AMD-SP puts a memory key into the slot of ASID ${event.asid}.`
        : `The AMD-SP takes the memory key of ASID ${event.asid} away.`;
    case 'access':
      return describeAccess(event);
    case 'remap':
      return `The host lets GPA ${event.gpa} lie at sPA ${event.spa}.`;
    case 'page-state':
      return `The guest makes ${plural(event.pages, 'page')} at GPA ${event.gpa} ${event.shared ? 'shared' : 'private'}.`;
    case 'attack':
      return `${event.actor === 'host' ? 'The host attacks' : 'Something goes wrong in the guest'}: ${event.name}${event.fault === undefined ? '' : `, as the fault '${event.fault}' says`}.`;
    case 'fw-cfg':
      return `The host gives the item ${event.name} to the firmware: ${event.length} bytes, SHA-256 ${event.sha256}.`;
    case 'boot-blob':
      return `The firmware takes the ${event.name} as ${event.outcome}: ${event.reason}.`;
    case 'kvm':
      return `The VMM called ${event.call}: ${resultOf(event)}.`;
    case 'qmp':
      return `${event.from === 'client' ? 'A client' : 'The VMM'} says on the monitor: ${event.text}`;
    case 'vmrun':
      return `The host executes VMRUN on ASID ${event.asid}.`;
    case 'handover':
      return `The firmware hands over: boot_params at GPA ${event.bootParams}.`;
    case 'stop':
      return `The guest stops: ${event.reason}.`;
    case 'printk':
      return `The kernel logs: ${event.line.trim()}`;
    case 'uevent':
      return `The kernel announces: ${event.action} ${event.devpath}.`;
    case 'syscall':
      return `A process calls ${event.name} on ${event.path}: ${event.result}.`;
    case 'shell':
      return `A command was typed: ${event.command}; exit status ${event.status}.`;
  }
}

const VIEWS = {
  raw: 'as raw cells',
  private: "through the guest's memory key",
  shared: 'as shared memory, without a key',
} as const;

function describeAccess({ actor, operation, view, length, gpa, segments }: EventOf<'access'>): string {
  const at = [gpa && `GPA ${gpa}`, segments[0] && `sPA ${segments[0].spa}`].filter(
    (place) => place !== undefined,
  );
  const where = at.length === 0 ? 'where there is no memory' : `at ${at.join(', ')}`;
  return `${actor} ${operation === 'read' ? 'reads' : 'writes'} ${byteCount(length)} ${where}, ${VIEWS[view]}.`;
}
