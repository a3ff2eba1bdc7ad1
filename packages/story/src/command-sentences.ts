import { hexAddress } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import {
  ActivateBuffer,
  ActivateExBuffer,
  AttestationBuffer,
  COMMAND_ID,
  type CommandName,
  CopyBuffer,
  DebugBuffer,
  GetIdBuffer,
  GuestStatusBuffer,
  HandleBuffer,
  InitBuffer,
  InitExBuffer,
  LaunchMeasureBuffer,
  LaunchSecretBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
  PdhCertExportBuffer,
  PekCertImportBuffer,
  PekCsrBuffer,
  PlatformStatusBuffer,
  ReceiveStartBuffer,
  ReceiveUpdateBuffer,
  SendStartBuffer,
  SendUpdateBuffer,
} from '@sevlab/codec/sev/command';
import { describePolicy } from '@sevlab/codec/sev/policy';
import { SEV_STATUS, type SevStatus } from '@sevlab/codec/sev/status';
import { type AnyEvent, bytesOf, decoded, type EventOf, ofType } from './event.ts';
import type { Prose, StepMaterial } from './sentences.ts';
import { byteCount, hex, sentences } from './wording.ts';

/** A command as its sentences look at it. */
interface Told {
  /** The command buffer as the host wrote it, and as the AMD-SP left it; undefined when the trace has not its bytes. */
  input<T>(layout: Struct<T>): T | undefined;
  output<T>(layout: Struct<T>): T | undefined;
  readonly events: readonly AnyEvent[];
}

interface CommandProse {
  readonly title: string;
  /** What the AMD-SP did, once it answered SUCCESS. */
  done(told: Told): string;
  /** What the host sees and cannot see. */
  readonly sees: string;
  readonly cannotSee: string;
}

const BUFFER_AND_STATUS = 'The command buffer and the status.';

const PLATFORM_STATES = ['UNINIT', 'INIT', 'WORKING'];
const GUEST_STATES = ['UNINIT', 'LUPDATE', 'LSECRET', 'RUNNING', 'SUPDATE', 'RUPDATE', 'SENT'];

const guestOf = (handle: number | undefined): string =>
  handle === undefined ? 'the guest' : `guest ${handle}`;

const COMMANDS: Readonly<Partial<Record<CommandName, CommandProse>>> = {
  INIT: {
    title: 'INIT: the SEV firmware starts',
    done: ({ input }) => {
      const cmd = input(InitBuffer);
      return sentences(
        'The AMD-SP went from UNINIT to INIT, took its identity (OCA, PEK and PDH) from its storage or made what was missing, and marked every ASID dirty.',
        cmd && `FLAGS was ${hex(cmd.flags)}${(cmd.flags & 1) === 0 ? ': without SEV-ES' : ': with SEV-ES'}.`,
      );
    },
    sees: BUFFER_AND_STATUS,
    cannotSee: 'The private keys of the platform: they never leave the AMD-SP.',
  },
  INIT_EX: {
    title: 'INIT_EX: the SEV firmware starts, with an identity that the host keeps',
    done: ({ input }) => {
      const cmd = input(InitExBuffer);
      const area =
        cmd && (cmd.nvPaddr === 0n ? 'its own storage' : `the NV area at sPA ${hexAddress(cmd.nvPaddr)}`);
      return sentences(
        `The AMD-SP went from UNINIT to INIT, took its identity (OCA, PEK and PDH) from ${area ?? 'the NV area'} or made what was missing, and marked every ASID dirty.`,
        'The area is encrypted and authenticated under keys of this chip. Nothing in it says how old it is: a host that puts an old copy back brings the old identity back.',
        cmd && `FLAGS was ${hex(cmd.flags)}${(cmd.flags & 1) === 0 ? ': without SEV-ES' : ': with SEV-ES'}.`,
      );
    },
    sees: 'The command buffer, the status and the area as ciphertext.',
    cannotSee: 'The private keys in the area.',
  },
  PLATFORM_RESET: {
    title: 'PLATFORM_RESET: the stored identity is erased',
    done: () =>
      'The AMD-SP erased OCA, PEK and PDH in its own storage; the next INIT makes new ones. The CEK comes from the fuses and stays.',
    sees: 'The status.',
    cannotSee: 'What the AMD-SP erased.',
  },
  PEK_GEN: {
    title: 'PEK_GEN: the platform gets a new identity of its own',
    done: () =>
      'The AMD-SP made and stored a new OCA, PEK and PDH. The platform owns itself: whoever owned it before does so no longer.',
    sees: 'The status.',
    cannotSee: 'The private keys.',
  },
  PEK_CSR: {
    title: 'PEK_CSR: the platform asks an owner for a signature',
    done: ({ input }) => {
      const cmd = input(PekCsrBuffer);
      const where = cmd === undefined ? 'host memory' : `sPA ${hexAddress(cmd.csrPaddr)}`;
      return `The AMD-SP wrote its PEK certificate, without any signature, to ${where}, for an owner to sign.`;
    },
    sees: 'The request.',
    cannotSee: 'The private key of the PEK.',
  },
  PEK_CERT_IMPORT: {
    title: "PEK_CERT_IMPORT: the platform is an owner's from now on",
    done: ({ input }) => {
      const cmd = input(PekCertImportBuffer);
      const places = cmd && ` at sPA ${hexAddress(cmd.pekPaddr)} and ${hexAddress(cmd.ocaPaddr)}`;
      return sentences(
        `The AMD-SP read the PEK certificate and the owner's OCA certificate${places ?? ''}, and verified both signatures.`,
        "It stored both, put the signature of its CEK beside the owner's, and made a new PDH under the same PEK.",
      );
    },
    sees: 'Both certificates, which it placed itself.',
    cannotSee: 'The private keys of PEK and PDH, and that of the owner.',
  },
  GET_ID: {
    title: 'GET_ID: which chip this is',
    done: ({ input }) => {
      const cmd = input(GetIdBuffer);
      const where = cmd === undefined ? 'host memory' : `sPA ${hexAddress(cmd.idPaddr)}`;
      return `The AMD-SP wrote 64 bytes to ${where}: the public half of its fused CUK. By that number a key server knows which CEK to certify.`;
    },
    sees: 'The identifier.',
    cannotSee: 'The CUK, from which CEK and identifier come.',
  },
  SHUTDOWN: {
    title: 'SHUTDOWN: the SEV firmware stops',
    done: () => 'The AMD-SP went to UNINIT and forgot every guest. Its identity stays stored.',
    sees: 'The status.',
    cannotSee: 'What the AMD-SP erased.',
  },
  PLATFORM_STATUS: {
    title: 'PLATFORM_STATUS: which firmware runs, in which state',
    done: ({ output }) => {
      const status = output(PlatformStatusBuffer);
      if (status === undefined)
        return 'The AMD-SP wrote version, state and number of guests into the command buffer.';
      const { apiMajor, apiMinor, build, state, guestCount } = status;
      return (
        `The AMD-SP wrote into the command buffer: API ${apiMajor}.${apiMinor}, build ${build}, ` +
        `state ${PLATFORM_STATES[state] ?? state}, number of guests ${guestCount}. The version goes into every measurement.`
      );
    },
    sees: 'The answer: nothing in it is secret.',
    cannotSee: 'The private keys of the platform.',
  },
  PDH_CERT_EXPORT: {
    title: "PDH_CERT_EXPORT: the platform's certificates",
    done: ({ input, output }) => {
      const cmd = output(PdhCertExportBuffer) ?? input(PdhCertExportBuffer);
      if (cmd === undefined)
        return 'The AMD-SP wrote the certificates PDH, PEK, OCA and CEK into host memory.';
      return (
        `The AMD-SP wrote the PDH certificate (${byteCount(cmd.pdhLen)}) to sPA ${hexAddress(cmd.pdhPaddr)} and ` +
        `PEK, OCA and CEK (${byteCount(cmd.certsLen)}) to sPA ${hexAddress(cmd.certsPaddr)}. ` +
        "They are public keys and signatures; the CEK comes without a signature, which AMD's key distribution service has."
      );
    },
    sees: 'All of the certificates: they are public.',
    cannotSee: 'The private keys that belong to them.',
  },
  PDH_GEN: {
    title: 'PDH_GEN: a new Diffie-Hellman key',
    done: () =>
      'The AMD-SP made a new PDH, signed by the PEK. Guests that are there keep their transport keys.',
    sees: 'The status.',
    cannotSee: 'The private key of the PDH.',
  },
  DF_FLUSH: {
    title: 'DF_FLUSH: ASIDs become usable',
    done: () =>
      'The AMD-SP found that every core had executed WBINVD, flushed the write buffers of the data fabric and marked dirty ASIDs clean. ' +
      'No line of a former guest is left in a cache.',
    sees: 'The status.',
    cannotSee: 'Memory of guests in the clear.',
  },
  NOP: {
    title: 'NOP',
    done: () => 'The AMD-SP did nothing, and said so.',
    sees: 'The status.',
    cannotSee: 'Nothing is hidden here.',
  },
  LAUNCH_START: {
    title: 'LAUNCH_START: a guest begins, with its policy and session',
    done: ({ input, output }) => {
      const cmd = input(LaunchStartBuffer);
      const made = output(LaunchStartBuffer);
      const policy = cmd && `Its policy is ${hex(cmd.policy, 8)} (${describePolicy(cmd.policy)}).`;
      const key =
        cmd !== undefined && cmd.handle !== 0
          ? `It shares the memory key of guest ${cmd.handle}.`
          : 'Its memory key comes from a seed that the AMD-SP drew.';
      const guest = `The AMD-SP made ${guestOf(made?.handle)}, in state LUPDATE.`;
      if (cmd?.dhCertPaddr === 0n) {
        return sentences(
          guest,
          policy,
          key,
          'There was no session, so TEK and TIK are all zero: the host knows them too, and neither measurement nor packet proves anything.',
        );
      }
      const places = cmd && ` at sPA ${hexAddress(cmd.dhCertPaddr)} and ${hexAddress(cmd.sessionPaddr)}`;
      return sentences(
        `The AMD-SP read the guest owner's certificate and session${places ?? ''}, agreed on a secret by that certificate and its own PDH, and unwrapped TEK and TIK with it.`,
        guest,
        policy,
        'POLICY_MAC shows that the guest owner chose that policy.',
        key,
      );
    },
    sees: "The guest owner's certificate, the wrapped session, the policy and the new handle.",
    cannotSee: 'TEK and TIK, the secret that they were wrapped with, and the memory key.',
  },
  ACTIVATE: {
    title: 'ACTIVATE: the memory key goes into the memory controller',
    done: ({ input }) => {
      const cmd = input(ActivateBuffer);
      const asid = cmd === undefined ? 'an ASID' : `ASID ${cmd.asid}`;
      return (
        `The AMD-SP bound ${guestOf(cmd?.handle)} to ${asid} and put the guest's memory key into the slot of that ASID. ` +
        'Until LAUNCH_FINISH the processor refuses VMRUN on it.'
      );
    },
    sees: 'Handle and ASID.',
    cannotSee: 'The memory key: software can use a slot, and cannot read it.',
  },
  DEACTIVATE: {
    title: 'DEACTIVATE: the guest loses its ASID',
    done: ({ input }) =>
      `The AMD-SP took the ASID away from ${guestOf(input(HandleBuffer)?.handle)}. The guest can no longer run; in DRAM its private memory stays ciphertext.`,
    sees: 'Handle and status.',
    cannotSee: 'The memory key.',
  },
  DECOMMISSION: {
    title: "DECOMMISSION: the guest's keys are erased",
    done: ({ input }) =>
      `The AMD-SP erased what it kept of ${guestOf(input(HandleBuffer)?.handle)}. Unless another guest shares the key, nobody can decrypt that memory any more.`,
    sees: 'Handle, status and the ciphertext that is left.',
    cannotSee: 'The memory key, which is gone.',
  },
  GUEST_STATUS: {
    title: 'GUEST_STATUS: policy, ASID and state of a guest',
    done: ({ output }) => {
      const status = output(GuestStatusBuffer);
      if (status === undefined)
        return 'The AMD-SP wrote policy, ASID and state of the guest into the command buffer.';
      const { handle, policy, asid, state } = status;
      if (state === 0) return `The AMD-SP answered that handle ${handle} names no guest: state UNINIT.`;
      return (
        `The AMD-SP wrote into the command buffer: guest ${handle} has policy ${hex(policy, 8)} (${describePolicy(policy)}), ` +
        `${asid === 0 ? 'no ASID' : `ASID ${asid}`} and state ${GUEST_STATES[state] ?? state}.`
      );
    },
    sees: 'The answer: nothing in it is secret.',
    cannotSee: 'Keys and memory of the guest.',
  },
  LAUNCH_UPDATE_DATA: {
    title: 'LAUNCH_UPDATE_DATA: bytes are measured and encrypted in place',
    done: ({ input }) => {
      const cmd = input(LaunchUpdateBuffer);
      const what =
        cmd === undefined ? 'the bytes' : `${byteCount(cmd.length)} at sPA ${hexAddress(cmd.paddr)}`;
      return (
        `The AMD-SP read ${what}, added them to the launch digest of ${guestOf(cmd?.handle)} and wrote them back under the guest's memory key. ` +
        'The digest covers the bytes and their order, and no address.'
      );
    },
    sees: 'The bytes before, which it placed itself, and ciphertext after.',
    cannotSee: 'These addresses in the clear from now on.',
  },
  LAUNCH_MEASURE: {
    title: 'LAUNCH_MEASURE: the launch digest is closed and authenticated',
    done: ({ input }) => {
      const cmd = input(LaunchMeasureBuffer);
      const where = cmd === undefined ? 'host memory' : `sPA ${hexAddress(cmd.measurePaddr)}`;
      return (
        `The AMD-SP closed the launch digest of ${guestOf(cmd?.handle)}, drew the nonce MNONCE and wrote MEASURE and MNONCE (48 bytes) to ${where}. ` +
        'MEASURE is an HMAC under the TIK: the host carries it and cannot make another. The guest is in LSECRET now.'
      );
    },
    sees: 'MEASURE and MNONCE.',
    cannotSee: 'The TIK, so it cannot tell which other MEASURE would be accepted.',
  },
  LAUNCH_SECRET: {
    title: 'LAUNCH_SECRET: a sealed packet is opened into guest memory',
    done: ({ input, events }) => {
      const cmd = input(LaunchSecretBuffer);
      const write = ofType(events, 'access').find(
        ({ operation, view }) => operation === 'write' && view === 'private',
      );
      const key =
        write?.asid === undefined ? "the guest's memory key" : `the memory key of ASID ${write.asid}`;
      if (cmd === undefined)
        return `The AMD-SP found the packet's MAC right, decrypted the packet and wrote it under ${key}.`;
      return (
        `The AMD-SP read the header at sPA ${hexAddress(cmd.hdrPaddr)} and ${byteCount(cmd.transLen)} of packet at sPA ${hexAddress(cmd.transPaddr)}, ` +
        `found the MAC under the TIK right, and decrypted the data with the TEK. It wrote ${byteCount(cmd.guestLen)} to sPA ${hexAddress(cmd.guestPaddr)} under ${key}. ` +
        "The MAC does not cover the address: that was the host's choice."
      );
    },
    sees: 'The packet as ciphertext, and other ciphertext at the target.',
    cannotSee: 'The plaintext, TEK and TIK, and the memory key.',
  },
  LAUNCH_FINISH: {
    title: 'LAUNCH_FINISH: the guest may run',
    done: ({ input }) =>
      `The AMD-SP erased the transport keys of ${guestOf(input(HandleBuffer)?.handle)} and moved it to RUNNING: VMRUN on its ASID, if it has one, is allowed, and no packet is accepted any more.`,
    sees: 'Handle and status.',
    cannotSee: "The guest's memory in the clear.",
  },
  ACTIVATE_EX: {
    title: 'ACTIVATE_EX: the guest gets an ASID on some core complexes',
    done: ({ input }) => {
      const cmd = input(ActivateExBuffer);
      const asid = cmd === undefined ? 'an ASID' : `ASID ${cmd.asid}`;
      return `The AMD-SP derived the memory key of ${guestOf(cmd?.handle)} and put it into the memory controller's slot of ${asid}. The same command again adds core complexes.`;
    },
    sees: 'Handle, ASID and the list of APIC IDs.',
    cannotSee: 'The memory key: software can use a slot, and cannot read it.',
  },
  COPY: {
    title: 'COPY: guest pages to another place',
    done: ({ input }) => {
      const cmd = input(CopyBuffer);
      const what =
        cmd &&
        `${byteCount(cmd.length)} from sPA ${hexAddress(cmd.srcPaddr)} to sPA ${hexAddress(cmd.dstPaddr)}`;
      return `The AMD-SP decrypted ${what ?? 'pages'} and encrypted them again under the key of ${guestOf(cmd?.handle)}: the guest reads the same there, and the ciphertext is another one, because it depends on the place.`;
    },
    sees: 'Both places, as ciphertext.',
    cannotSee: 'The bytes in the clear.',
  },
  LAUNCH_UPDATE_VMSA: {
    title: 'LAUNCH_UPDATE_VMSA: the first registers of a virtual processor are measured and encrypted',
    done: ({ input }) => {
      const cmd = input(LaunchUpdateBuffer);
      const where = cmd === undefined ? 'its place' : `sPA ${hexAddress(cmd.paddr)}`;
      return (
        `The AMD-SP took the page at ${where} into the launch digest of ${guestOf(cmd?.handle)}, wrote into it where its checksum lies, and encrypted it in place. ` +
        'VMRUN compares the checksum: a page that the host changed is refused.'
      );
    },
    sees: 'The page before; afterwards its ciphertext.',
    cannotSee: 'The registers from here on, and the checksum.',
  },
  ATTESTATION: {
    title: 'ATTESTATION: a report on the launch, signed by the platform',
    done: ({ input }) => {
      const cmd = input(AttestationBuffer);
      const where = cmd === undefined ? 'host memory' : `sPA ${hexAddress(cmd.paddr)}`;
      return `The AMD-SP wrote a report to ${where}: the MNONCE of the command, launch digest and policy of ${guestOf(cmd?.handle)}, signed by the PEK. Whoever asks chooses MNONCE.`;
    },
    sees: 'The whole report.',
    cannotSee: 'The private key of the PEK.',
  },
  DBG_DECRYPT: {
    title: 'DBG_DECRYPT: the host reads guest memory',
    done: ({ input }) => {
      const cmd = input(DebugBuffer);
      const what =
        cmd &&
        `${byteCount(cmd.length)} at sPA ${hexAddress(cmd.srcPaddr)}, in the clear to sPA ${hexAddress(cmd.dstPaddr)}`;
      return `The policy of ${guestOf(cmd?.handle)} allows debugging, so the AMD-SP decrypted ${what ?? 'some of its memory'}.`;
    },
    sees: 'The bytes in the clear.',
    cannotSee: 'The memory key.',
  },
  DBG_ENCRYPT: {
    title: 'DBG_ENCRYPT: the host writes guest memory',
    done: ({ input }) => {
      const cmd = input(DebugBuffer);
      const what =
        cmd &&
        `${byteCount(cmd.length)} from sPA ${hexAddress(cmd.srcPaddr)}, under its key to sPA ${hexAddress(cmd.dstPaddr)}`;
      return `The policy of ${guestOf(cmd?.handle)} allows debugging, so the AMD-SP encrypted ${what ?? 'some bytes of the host'}.`;
    },
    sees: 'The bytes that it gave.',
    cannotSee: 'The memory key.',
  },
  SEND_START: {
    title: 'SEND_START: a running guest is to go to another platform',
    done: ({ input }) => {
      const cmd = input(SendStartBuffer);
      const where = cmd === undefined ? 'host memory' : `sPA ${hexAddress(cmd.sessionPaddr)}`;
      return (
        `The AMD-SP drew transport keys for ${guestOf(cmd?.handle)}, wrapped them for the owner of the PDH certificate that it was given, and wrote the session to ${where}. The guest went to SUPDATE. ` +
        'Only a policy with SEV or DOMAIN makes it look at the signatures of that certificate.'
      );
    },
    sees: 'The certificates that it gave, the policy and the wrapped session.',
    cannotSee: 'The transport keys, unless the PDH is its own and the policy let that pass.',
  },
  SEND_UPDATE_DATA: sendUpdate('SEND_UPDATE_DATA: guest memory becomes a packet'),
  SEND_UPDATE_VMSA: sendUpdate('SEND_UPDATE_VMSA: the registers of a virtual processor become a packet'),
  SEND_FINISH: {
    title: 'SEND_FINISH: the guest was sent',
    done: ({ input }) =>
      `The AMD-SP erased the transport keys of ${guestOf(input(HandleBuffer)?.handle)} and moved it to SENT.`,
    sees: 'Handle and status.',
    cannotSee: "The guest's memory in the clear.",
  },
  SEND_CANCEL: {
    title: 'SEND_CANCEL: the guest stays',
    done: ({ input }) =>
      `The AMD-SP erased the transport keys of ${guestOf(input(HandleBuffer)?.handle)} and moved it back to RUNNING.`,
    sees: 'Handle and status.',
    cannotSee: "The guest's memory in the clear.",
  },
  RECEIVE_START: {
    title: 'RECEIVE_START: a guest comes from another platform',
    done: ({ output }) =>
      `The AMD-SP unwrapped the transport keys, checked that the policy belongs to them, and made ${guestOf(output(ReceiveStartBuffer)?.handle)} in RUPDATE, with a memory key. Its launch digest is zero here.`,
    sees: 'Certificate and session of the sender, the policy and the new handle.',
    cannotSee: 'The transport keys and the memory key.',
  },
  RECEIVE_UPDATE_DATA: receiveUpdate('RECEIVE_UPDATE_DATA: a packet becomes guest memory'),
  RECEIVE_UPDATE_VMSA: receiveUpdate(
    'RECEIVE_UPDATE_VMSA: a packet becomes the registers of a virtual processor',
  ),
  RECEIVE_FINISH: {
    title: 'RECEIVE_FINISH: the guest may run',
    done: ({ input }) =>
      `The AMD-SP erased the transport keys of ${guestOf(input(HandleBuffer)?.handle)} and moved it to RUNNING: VMRUN on its ASID, if it has one, is allowed.`,
    sees: 'Handle and status.',
    cannotSee: "The guest's memory in the clear.",
  },
};

function sendUpdate(title: string): CommandProse {
  return {
    title,
    done: ({ input }) => {
      const cmd = input(SendUpdateBuffer);
      const what =
        cmd &&
        `${byteCount(cmd.guestLen)} at sPA ${hexAddress(cmd.guestPaddr)} and wrote the packet to sPA ${hexAddress(cmd.transPaddr)}, its header to sPA ${hexAddress(cmd.hdrPaddr)}`;
      return `The AMD-SP encrypted for the receiver what ${guestOf(cmd?.handle)} has in memory: ${what ?? 'a range of it'}.`;
    },
    sees: 'The packet as ciphertext, with its header.',
    cannotSee: 'The bytes in the clear, and the transport keys.',
  };
}

function receiveUpdate(title: string): CommandProse {
  return {
    title,
    done: ({ input }) => {
      const cmd = input(ReceiveUpdateBuffer);
      const where = cmd && `${byteCount(cmd.guestLen)} to sPA ${hexAddress(cmd.guestPaddr)}`;
      return `The AMD-SP found the MAC of the packet right, decrypted it, and wrote ${where ?? 'it'} under the key of ${guestOf(cmd?.handle)}.`;
    },
    sees: 'The packet as ciphertext, and other ciphertext at the target.',
    cannotSee: 'The bytes in the clear, and the transport keys.',
  };
}

/** The prose of a mailbox command, from its buffers, its checks and its status. */
export function describeCommand({ events, decidedBy }: StepMaterial): Prose {
  const [command] = ofType(events, 'command');
  const status = ofType(events, 'status').at(-1);
  const name = command?.name ?? status?.name ?? ofType(events, 'precondition')[0]?.name;
  if (name === undefined) return ALONE;
  const prose = isCommand(name) ? COMMANDS[name] : undefined;
  const done = status?.status === 'SUCCESS';
  return {
    title: done || status === undefined ? (prose?.title ?? name) : `${name}: refused with ${status.status}`,
    sentence: sentences(
      command && `The host issued ${name}.`,
      done
        ? (prose?.done(told(command, status, events)) ?? 'The AMD-SP answered SUCCESS.')
        : refusal(status, decidedBy, writesOf(events, command)),
    ),
    clause: `55766, ${isCommand(name) ? name : 'Command Identifiers'}`,
    sees: (done ? prose?.sees : undefined) ?? BUFFER_AND_STATUS,
    cannotSee: prose?.cannotSee ?? 'The keys that the AMD-SP holds.',
  };
}

/** What the AMD-SP did when the trace has no command around it. */
const ALONE: Prose = {
  title: 'The AMD-SP uses memory',
  sentence: 'The AMD-SP used memory or a key outside a command of this trace.',
  sees: 'Memory of the host, and of every guest whose key it holds.',
  cannotSee: 'Nothing on this machine is hidden from it.',
};

function told(
  command: EventOf<'command'> | undefined,
  status: EventOf<'status'>,
  events: readonly AnyEvent[],
): Told {
  return {
    input: (layout) => decoded(layout, bytesOf(command?.open, 'buffer')),
    output: (layout) => decoded(layout, bytesOf(status.open, 'buffer')),
    events,
  };
}

/** Which check refused what, and whether memory changed all the same. */
function refusal(
  status: EventOf<'status'> | undefined,
  decidedBy: StepMaterial['decidedBy'],
  written: number,
): string {
  const check =
    decidedBy && `The check "${decidedBy.condition}" did not hold; those behind it were not looked at.`;
  if (status === undefined) return sentences(check, 'The trace has no answer to it.');
  return sentences(
    check,
    `The AMD-SP answered ${describeStatus(status)}`,
    written === 0
      ? 'It wrote nothing to memory.'
      : `Before that it had written ${byteCount(written)} to memory, and that stays there.`,
  );
}

/** `INVALID_LENGTH (0x0004): A buffer has the wrong length…` */
export function describeStatus({ status, code }: EventOf<'status'>): string {
  const meaning = isStatus(status) ? `: ${SEV_STATUS[status].sentence}` : '.';
  return `${status} (${hex(code, 4)})${meaning}`;
}

/** Bytes that the AMD-SP wrote; the command buffer, which is the host's, does not count. */
const writesOf = (events: readonly AnyEvent[], command: EventOf<'command'> | undefined): number =>
  ofType(events, 'access')
    .filter(({ actor, operation }) => actor === 'amd-sp' && operation === 'write')
    .filter(({ segments }) => segments[0]?.spa !== command?.bufferPaddr)
    .reduce((sum, { length }) => sum + length, 0);

const isCommand = (name: string): name is CommandName => Object.hasOwn(COMMAND_ID, name);
const isStatus = (name: string): name is SevStatus => Object.hasOwn(SEV_STATUS, name);
