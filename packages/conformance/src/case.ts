import type { EfiMemoryType } from '@sevlab/codec/efi/memory-map';
import type { CommandName } from '@sevlab/codec/sev/command';
import type { SevStatus } from '@sevlab/codec/sev/status';
import type { LayoutName } from '@sevlab/firmware-sim/layouts';
import type { ErrnoName } from '@sevlab/guest-kernel-sim/errno';

/** A case of the suite: data that any implementation can run. `case.schema.json` says the same as JSON Schema. */
export type Case = PspCase | VmmCase | TenantCase | FirmwareCase | KernelCase;

interface CaseHead {
  /** Never given to another case, whatever becomes of this one. */
  readonly id: string;
  /** What must happen, in one sentence. */
  readonly title: string;
  /** Document and title, or file and symbol. */
  readonly clause: string;
  readonly severity: Severity;
  /** How we know the answer. */
  readonly evidence: readonly Evidence[];
  readonly flags?: readonly Flag[];
}

/** What comes of it when an implementation fails a case, in our judgement. */
export const SEVERITIES = {
  security: 'somebody reads, changes or runs what they must not, or a guest owner is deceived',
  function: 'something that should work does not',
  detail: 'another status, message or order',
} as const;
export type Severity = keyof typeof SEVERITIES;

/**
 * `observed`: this very case ran there. `tool`: a program that others wrote computes the same. `specification`: the
 * clause says so. `source`: read from the named public source. `behaviour`: known of that version; no hardware ran it
 * for this suite.
 */
export interface Evidence {
  readonly kind: 'observed' | 'tool' | 'specification' | 'source' | 'behaviour';
  readonly what: string;
}

/** What to keep in mind before calling an implementation wrong. */
export const FLAGS = {
  OrderNotNormative: 'Two checks fail at once, and no document says which of them speaks.',
  VersionDependent: 'Published versions, or a version and its document, answer differently.',
  Quirk: 'Known behaviour that nobody would design.',
} as const;
export type Flag = keyof typeof FLAGS;

/** A number, or a hexadecimal one as text: JSON has no other way to write it. */
export type NumberText = number | string;

// The AMD-SP behind its mailbox.

export interface PspCase extends CaseHead {
  readonly room: 'psp';
  readonly given: PspGiven;
  readonly when: readonly PspStep[];
  readonly then: PspThen;
  /**
   * The same steps under the profile `spec`, our reading of the published specification: what it answers. Present
   * where the answer hangs on a difference between the two.
   */
  readonly spec?: { readonly then: PspThen };
}

export interface PspGiven {
  /** `READY`: INIT, then WBINVD on every core and DF_FLUSH. */
  readonly platform: 'UNINIT' | 'INIT' | 'READY';
  /** Whether INIT enables SEV-ES. Default: false. */
  readonly es?: boolean;
  /** A guest with a good session, in this state; absent: no guest. */
  readonly guest?: 'LUPDATE' | 'LSECRET' | 'RUNNING';
  /** What that guest has not. */
  readonly without?: readonly 'asid'[];
  /** Policy of the session and of the guest. Default: 1; with SEV-ES 5. */
  readonly policy?: NumberText;
  /** Version of the SEV firmware. Default: genoa-1.55. */
  readonly firmware?: 'genoa-1.55' | 'api-0.16' | 'spec';
}

export type PspStep = CommandStep | HostStep | GuestStep | SeeStep;

/** Something that the host does without the AMD-SP. */
export type HostStep =
  | { readonly host: 'WBINVD'; readonly core?: number }
  | { readonly host: 'write'; readonly at: FieldValue; readonly bytes: string }
  | { readonly host: 'copy'; readonly from: FieldValue; readonly at: FieldValue; readonly length: number }
  | { readonly host: 'flip'; readonly at: FieldValue; readonly bit: number };

/** A guest writes through its own key. */
export interface GuestStep {
  readonly guest: 'write';
  /** Default: the guest that was launched last. */
  readonly who?: GuestName;
  readonly at: FieldValue;
  readonly bytes: string;
}

/** Keeps bytes under a name, for `same` and `different`. */
export interface SeeStep {
  readonly see: string;
  readonly of: Sight;
  /** A guest, and a measurement: whose. Default: the guest that was launched last. */
  readonly who?: GuestName;
  /** `host`, `guest`, `shared`: where, and how many bytes. Default: 16 bytes of the target. */
  readonly at?: FieldValue;
  readonly length?: number;
  /** `bytes`: these, in hexadecimal. */
  readonly bytes?: string;
  /** `xor`: two names. */
  readonly xor?: readonly [string, string];
}

/** What can be seen. */
export const SIGHTS = {
  host: 'cells of memory, as the host reads them',
  guest: 'memory as the guest reads it, through its key',
  shared: 'memory as the guest reads it without the C-bit',
  bytes: 'given bytes',
  xor: 'two earlier sights, bit by bit',
  measure: 'MEASURE of the last LAUNCH_MEASURE',
  mnonce: 'MNONCE of the last LAUNCH_MEASURE',
  digest: 'LAUNCH_DIGEST of the last report',
  PDH: 'public key of the exported PDH certificate',
  PEK: 'public key of the exported PEK certificate',
  OCA: 'public key of the exported OCA certificate',
  CEK: 'public key of the exported CEK certificate',
  packet: 'encrypted data of the last LAUNCH_SECRET packet',
  sent: 'plaintext of the last packet of SEND_UPDATE_DATA or SEND_UPDATE_VMSA, with the keys that its receiver unwraps',
} as const;
export type Sight = keyof typeof SIGHTS;

/** Two guests at most are told apart by name. */
export type GuestName = 'first' | 'second';

/** One command. Whatever is not said is right: the buffer, the bytes it points to, the guest it names. */
export interface CommandStep {
  /** A name, or a number that has none, in hexadecimal. */
  readonly command: CommandName | `0x${string}`;
  /** Whom it is about. Default: the guest that was launched last. */
  readonly who?: GuestName;
  /** Fields of the command buffer, by their names in the specification. */
  readonly fields?: Readonly<Record<string, FieldValue>>;
  /** What every reserved byte of the command buffer holds. Default: zeros. */
  readonly reserved?: 'ones';
  /** Where the command buffer lies. Default: in memory of its own. */
  readonly buffer?: FieldValue;
  /**
   * LAUNCH_UPDATE_DATA and LAUNCH_UPDATE_VMSA: what lies at PADDR, in hexadecimal; `as it is`: whatever lies there.
   * Default: 4096 bytes of 41h.
   */
  readonly content?: string;
  /** The same, in a way that JSON need not write out: so many bytes of 41h. */
  readonly contentLength?: number;
  /** How many bytes of the content the digest has. Default: all when the command succeeds, else none. */
  readonly measured?: number;
  /** LAUNCH_START: the session. */
  readonly session?: SessionChange;
  /** LAUNCH_START, SEND_START: the certificate with the other side's key. */
  readonly certificate?: CertificateChange;
  /** LAUNCH_SECRET: the packet. */
  readonly packet?: PacketChange;
  /** PEK_CERT_IMPORT: the certificates. */
  readonly import?: ImportChange;
  /** SEND_START: who is to receive the guest. Default: `attacker`, whoever made the certificate; `platform`: this one. */
  readonly receiver?: 'attacker' | 'platform' | ReceiverChange;
  /** The status of a step that is not the last. Default: SUCCESS. */
  readonly expect?: SevStatus;
  /** How often in a row, each time with that status. Default: once. */
  readonly times?: number;
}

/**
 * A number, or a place with an optional offset such as `target+8`: `target`, the 64 KiB of guest memory that secrets
 * and data go to, which start at a page; `page`, 64 KiB of host memory; `nv`, the 32 KiB of INIT_EX; `tmr`, the trusted
 * memory region of SEV-ES; `reply`, where the last command was told to write; `top`, the end of memory below 4 GiB;
 * `unusable`, an address above all memory; `hole`, an address that is no memory. Or `guest`, the handle; `first` or
 * `second`, the handle of that guest.
 */
export type FieldValue = NumberText;

export interface SessionChange {
  /** The policy under POLICY_MAC, and the default of POLICY. Default: that of `given`. */
  readonly policy?: NumberText;
  /** `now`: for the platform's PDH at this moment. Default: for the one that it had when the case began. */
  readonly pdh?: 'now';
  /** How the keys are derived. Default: as the specification says. */
  readonly derivation?: 'big-endian counter' | 'little-endian Z';
  /** `leading zero`: the owner's key is one with which Z starts with a byte of zero. */
  readonly z?: 'leading zero';
  /** Other TEK and TIK than in all other sessions. */
  readonly keys?: 'other';
  /** A bit that is changed when all is made. */
  readonly flip?: {
    readonly part: 'nonce' | 'wrapTk' | 'wrapIv' | 'wrapMac' | 'policyMac';
    readonly bit: number;
  };
}

/** The very platform, with a bit changed in one of its certificates. */
export interface ReceiverChange {
  readonly flip: { readonly part: CertificateName | 'ASK' | 'ARK'; readonly bit: number };
}

/** What is changed in a certificate before it is signed. */
export interface CertificateChange {
  readonly version?: number;
  readonly usage?: NumberText;
  readonly algo?: NumberText;
  readonly curve?: number;
  /** A bit of the Y coordinate: the point is off the curve then. */
  readonly flipY?: number;
  /** API_MAJOR and API_MINOR FFh, and every byte behind the coordinates. */
  readonly padding?: 'ones';
  /** What both slots hold. */
  readonly slots?: readonly [SlotContent, SlotContent];
}

/**
 * `good`: the parent's signature. `bad`: that with a bit changed. `stranger`: somebody else's under the parent's name.
 * `wrong algo`, `wrong usage`: the parent's signature, labelled so. `r of zero`: no number that a signature can have.
 * `zeros`: every byte zero. `random`: bytes without meaning under the label of a PEK. `empty`: as an empty slot is.
 */
export type SlotContent =
  | 'good'
  | 'bad'
  | 'stranger'
  | 'wrong algo'
  | 'wrong usage'
  | 'r of zero'
  | 'zeros'
  | 'random'
  | 'empty';

export interface ImportChange {
  /** An owner's certificate, signed by itself. */
  readonly oca?: CertificateChange;
  /** The CSR, signed by that owner. */
  readonly pek?: CertificateChange;
  /** `earlier`: that of the last PEK_CSR step. Default: one that is asked for now. */
  readonly csr?: 'earlier';
}

export interface PacketChange {
  /** Bytes of data; a multiple of 16. Default: 64. */
  readonly length?: number;
  /** The secret itself, in hexadecimal, instead. */
  readonly plain?: string;
  /** IV, in hexadecimal. Default: 16 bytes of 55h. */
  readonly iv?: string;
  /** FLAGS, under the MAC. Default: 0. */
  readonly flags?: NumberText;
  /** The first byte under the MAC. Default: 1; of a packet between platforms, what the AMD-SP takes. */
  readonly context?: number;
  /** How GUEST_LEN and TRANS_LEN are written under the MAC. Default: little endian. */
  readonly lengths?: 'big-endian';
  /** What ends the MAC's input. Default: the 32 bytes of MEASURE, or nothing before API 0.17. */
  readonly measure?: 'none' | 'other' | 'with-mnonce';
  /** TEK and TIK of it. Default: those of the session. */
  readonly keys?: 'other' | 'zeros';
  /** `earlier`: the very packet of the last LAUNCH_SECRET. */
  readonly made?: 'earlier';
  /** Where the packet's data lies. Default: in host memory of its own. */
  readonly at?: 'target';
  /** A bit that is changed when all is made. */
  readonly flip?: {
    readonly part: 'header.flags' | 'header.iv' | 'header.mac' | 'data';
    readonly bit: number;
  };
}

export type CertificateName = 'PDH' | 'PEK' | 'OCA' | 'CEK';

/** What is compared; what is absent is not. */
export interface PspThen {
  /** Of the last command. */
  readonly status: SevStatus;
  /** Of the guest that was launched last. */
  readonly guestState?: 'UNINIT' | 'LUPDATE' | 'LSECRET' | 'RUNNING' | 'SUPDATE' | 'RUPDATE' | 'SENT';
  readonly platformState?: 'UNINIT' | 'INIT' | 'WORKING';
  readonly guestCount?: number;
  /** Fields of the last command's buffer, as the AMD-SP left it. */
  readonly out?: Readonly<Record<string, NumberText>>;
  /** Whether the last command's buffer holds what the host put there. */
  readonly buffer?: 'unchanged' | 'changed';
  /** Whether the registers still hold the address of the last command's buffer. */
  readonly registers?: 'kept' | 'lost';
  /**
   * The target after the last command. `unchanged`: every cell is as before it. `plaintext`: the guest reads what was
   * meant for it, the host reads neither that nor the packet, and around it nothing changed.
   */
  readonly memory?: 'unchanged' | 'plaintext';
  /** The SHA-256 that the last measurement vouches for. */
  readonly launchDigest?: string;
  /** Whether the last measurement vouches for what was measured, whatever that was. */
  readonly vouched?: boolean;
  /** Whether VMRUN accepts the guest's ASID; with SEV-ES, and a VMSA at the start of the target. */
  readonly runnable?: boolean;
  /** Sights with the same bytes. */
  readonly same?: readonly (readonly [string, string])[];
  /** Sights with other bytes. */
  readonly different?: readonly (readonly [string, string])[];
  /** The exported certificates: whose signatures verify in their first and second slot; '' for an empty one. */
  readonly signers?: Readonly<Record<CertificateName, readonly [string, string]>>;
  /** The exported certificates: VERSION, API version as PLATFORM_STATUS has it, curve, algorithm. */
  readonly soundCertificates?: boolean;
  /** The certificate that the last PEK_CSR wrote is that of the PEK, and has two empty slots. */
  readonly csr?: 'unsigned PEK';
  /** The last GET_ID: whether the two coordinates, big endian, are a point of secp256k1. */
  readonly idOnCurve?: boolean;
  /** The last ATTESTATION: whose signature over its first 34h bytes verifies. */
  readonly reportSigner?: 'PEK' | 'nobody';
  /** The context byte with which the MAC of the last packet of SEND_UPDATE verifies under the keys of its receiver. */
  readonly sentContext?: number;
}

// The VMM, as a client of its QMP socket and the kernel below it see it.

export interface VmmCase extends CaseHead {
  readonly room: 'vmm';
  readonly given: VmmGiven;
  /** What a client sends, each when the one before has been answered: a message, or text as it is. */
  readonly when: readonly (string | JsonRecord)[];
  readonly then: VmmThen;
}

export type Json = null | boolean | number | string | readonly Json[] | JsonRecord;
export interface JsonRecord {
  readonly [name: string]: Json;
}

/** A QEMU that is started with -S, 64 MiB of memory and a sev-guest with the policy 1, unless this says otherwise. */
export interface VmmGiven {
  /** Whose answers these are. Default: 7.2. */
  readonly qemu?: '7.2' | '10.0';
  /** Properties of the sev-guest. Default: cbitpos=0, reduced-phys-bits=1, policy=1. `none`: no SEV, and no KVM. */
  readonly sev?: Readonly<Record<string, string | number>> | 'none';
  /** Flash unit 0. Default: 8 KiB that announce secrets at 80c000h, hashes at 80cc00h, a reset vector at 80b004h. */
  readonly firmware?: TableImage;
  /** -kernel and -initrd as in OfferedKernel, and -append: without a NUL. */
  readonly kernel?: OfferedKernel;
  /** Text of files that properties of the sev-guest name. */
  readonly files?: Readonly<Record<string, string>>;
  /** -smp */
  readonly vcpus?: number;
  /** `no`: without -S. */
  readonly paused?: 'no';
  /** Options of -machine behind the others. */
  readonly machine?: string;
  /** What the kernel answers where that is no success. */
  readonly host?: readonly HostAnswer[];
  /** `no`: qmp_capabilities was not sent yet. */
  readonly negotiated?: 'no';
}

/** Every time that it is asked; a call that asks for a length is answered first. */
export interface HostAnswer {
  readonly call: HostCallName;
  readonly errno: ErrnoName;
  /** The AMD-SP's status. Default: 0. */
  readonly status?: number;
}

/** What a VMM asks of KVM and of /dev/sev for a guest, by the names of their headers. */
export const HOST_CALLS = [
  'SEV_PLATFORM_STATUS',
  'KVM_SEV_INIT',
  'KVM_SEV_ES_INIT',
  'KVM_SEV_LAUNCH_START',
  'KVM_SEV_LAUNCH_UPDATE_DATA',
  'KVM_SEV_LAUNCH_UPDATE_VMSA',
  'KVM_SEV_LAUNCH_MEASURE',
  'KVM_SEV_LAUNCH_SECRET',
  'KVM_SEV_LAUNCH_FINISH',
  'KVM_SEV_GET_ATTESTATION_REPORT',
  'SEV_PDH_CERT_EXPORT',
  'SEV_GET_ID2',
] as const;
export type HostCallName = (typeof HOST_CALLS)[number];

export interface VmmThen {
  /**
   * What the client is sent, in order, as far as it is named; the greeting and the answer to the first qmp_capabilities
   * are not among it when `given` has them behind it.
   */
  readonly replies?: readonly VmmReply[];
  /** The same byte for byte, without line ends. */
  readonly lines?: readonly string[];
  /** What the kernel was asked, in order, as far as it is named. */
  readonly calls?: readonly HostCall[];
  /** How the process ended; null: it runs. */
  readonly ended?: VmmEnd | null;
}

export interface VmmEnd {
  readonly status?: number;
  /** Lines of standard error, without the name of the program. */
  readonly stderr: readonly string[];
}

/** One message of the VMM. */
export interface VmmReply {
  readonly return?: Json;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly id?: Json;
  readonly event?: string;
  readonly data?: Json;
  readonly QMP?: Json;
}

export interface HostCall {
  readonly call: HostCallName;
  /** Hexadecimal. */
  readonly gpa?: string;
  /** Bytes: of data, of a packet's data, or of the room for an answer. */
  readonly length?: number;
  /** Of the packet's header. */
  readonly headerLength?: number;
  /** Of what is measured. */
  readonly sha256?: string;
  readonly policy?: number;
  readonly handle?: number;
  /** The certificate and the session, in hexadecimal. */
  readonly dhCert?: string;
  readonly session?: string;
  /** MNONCE of a report, in hexadecimal. */
  readonly mnonce?: string;
}

// The tenant: what the guest owner believes, and what it sends.

/** What becomes of a question, and the exit status of virt-qemu-sev-validate for that. */
export const VERDICTS = {
  accepted: { exit: 0, meaning: 'it is what the tenant wants' },
  refused: { exit: 1, meaning: 'it is something else' },
  unusable: { exit: 2, meaning: 'what the tenant says itself cannot be' },
} as const;
export type VerdictName = keyof typeof VERDICTS;

export type TenantCase = MeasurementCase | PacketCase | SessionCase | ChainCase;

interface TenantHead extends CaseHead {
  readonly room: 'tenant';
  readonly then: TenantThen;
}

export interface TenantThen {
  readonly verdict: VerdictName;
  /** `packet`: whether the AMD-SP takes it: its MAC, and the lengths. */
  readonly taken?: boolean;
  /** `packet`: what Linux finds in it, in that order. */
  readonly secrets?: readonly GivenSecret[];
}

/** Whether a measurement is that of a launch. */
export interface MeasurementCase extends TenantHead {
  readonly when: 'measurement';
  readonly given: ExpectedLaunch;
}

/** Whether a measurement is that of a launch, and then a packet for it. */
export interface PacketCase extends TenantHead {
  readonly when: 'packet';
  readonly given: ExpectedLaunch & { readonly secrets: readonly GivenSecret[] };
}

/** Bytes in hexadecimal. */
export interface GivenSecret {
  readonly guid: string;
  readonly data: string;
}

/** What the tenant believes, and what the host says. Bytes are hexadecimal. */
export interface ExpectedLaunch {
  /** Default: 16 bytes of 4bh. */
  readonly tik?: string;
  /** Default: 16 bytes of 45h. */
  readonly tek?: string;
  /** API major, API minor, build. Default: 1, 55, 21. */
  readonly version?: readonly [number, number, number];
  /** Default: 1. */
  readonly policy?: number;
  /** The launch digest itself. */
  readonly digest?: string;
  /** In its place: what is started. Default: that of a VmmGiven. */
  readonly firmware?: TableImage;
  readonly kernel?: OfferedKernel;
  /** With SEV-ES; the VMSAs are those of KVM_SEV_ES_INIT. */
  readonly vcpus?: {
    readonly count: number;
    readonly family: number;
    readonly model: number;
    readonly stepping: number;
  };
  /** What the host says was measured: MEASURE, then MNONCE. */
  readonly measurement: string;
}

/** Whether LAUNCH_START will take a session, as far as its owner can tell. */
export interface SessionCase extends TenantHead {
  readonly when: 'session';
  readonly given: { readonly tik: string; readonly policy: number; readonly session: string };
}

/** Whether a platform's key is one of a platform under the trusted root: the ARK of `platform.json`. */
export interface ChainCase extends TenantHead {
  readonly when: 'chain';
  readonly given: {
    /** Bytes that are put into certificates of `platform.json`, and certificates that are cut. */
    readonly change?: readonly {
      readonly certificate: ChainName;
      readonly at?: number;
      readonly bytes?: string;
      /** How many bytes are left of it. */
      readonly length?: number;
    }[];
    /** Certificates in the place of those of `platform.json`, Base64. */
    readonly replace?: Readonly<Partial<Record<ChainName, string>>>;
  };
}
export const CHAIN_NAMES = ['PDH', 'PEK', 'OCA', 'CEK', 'ASK', 'ARK'] as const;
export type ChainName = (typeof CHAIN_NAMES)[number];

// Firmware images, and what their firmware leaves to the kernel.

export interface FirmwareCase extends CaseHead {
  readonly room: 'firmware';
  readonly given: FirmwareGiven;
  readonly when: 'inspect' | 'boot';
  readonly then: FirmwareThen;
}

export interface FirmwareGiven {
  readonly image: BuiltImage | TableImage;
  /** A bit that is changed in the image before anything starts; `fromEnd` 1 is the last byte. */
  readonly flip?: { readonly fromEnd: number; readonly bit: number };
  /** A bit that the host changes in guest memory between LAUNCH_MEASURE and LAUNCH_FINISH. */
  readonly hostFlip?: { readonly fromEnd: number; readonly bit: number };
  /** What LAUNCH_SECRET puts at the secret area, in hexadecimal; a multiple of 16 bytes. */
  readonly secret?: string;
  /** What the host offers the firmware to start. */
  readonly offered?: OfferedKernel;
  /**
   * What the host measures in the image's area for the hashes of that, with zeros behind it; absent: the guest reads
   * noise there.
   */
  readonly hashes?: HashesTable | 'zeros';
}

/** Items of fw_cfg; one that is absent is not there. */
export interface OfferedKernel {
  /** What is loaded, in hexadecimal; in front of it lies the setup header of a 64-bit bzImage. */
  readonly kernel: string;
  /** Hexadecimal. */
  readonly initrd?: string;
  /** Every character of it: a good one ends in NUL. */
  readonly commandLine?: string;
}
export type BootItemName = 'kernel' | 'initrd' | 'cmdline';

/** As QEMU's `kernel-hashes=on` builds it, or with faults. */
export interface HashesTable {
  readonly entries: readonly HashesEntry[];
  /** What its header says; default: the right length. */
  readonly length?: number;
  /** The GUID of the header. Default: the right one. */
  readonly guid?: string;
}

export interface HashesEntry {
  /** Whose GUID it has; `nothing`: one that nobody knows. */
  readonly of: BootItemName | 'nothing';
  /**
   * `right`: the SHA-256 of the item as it is offered, or of no bytes. `wrong`: that of something else. `of nothing`:
   * that of no bytes. Or hexadecimal.
   */
  readonly hash: string;
  /** What the entry says; default: the right length. */
  readonly length?: number;
}

/** An image with everything that an AmdSev build has. */
export interface BuiltImage {
  /** The edk2-stable tag that brought the layout. */
  readonly layout: LayoutName;
  /** What the secret block says, in place of what the layout has. */
  readonly secretArea?: { readonly base: NumberText; readonly size: NumberText };
  /** Whether PEI reserves the area. Default: true. */
  readonly reservesArea?: boolean;
  /** Whether DXE publishes it. Default: true. */
  readonly publishesArea?: boolean;
  /**
   * What it starts when the host offers no kernel: nothing, or GRUB with its module efisecret. Default: some kernel.
   */
  readonly grub?: 'empty' | 'efisecret';
}

/** Zeros with a GUIDed table where it belongs. */
export interface TableImage {
  /** Bytes. */
  readonly size: number;
  /** In file order: low address first. */
  readonly entries: readonly {
    readonly guid: string;
    /** Hexadecimal. */
    readonly data: string;
    /** What the entry says; default: the right length. */
    readonly length?: number;
  }[];
  /** What the footer says; default: the right length. */
  readonly footerLength?: number;
  /** What else there is, table included; `fromEnd` is that of the first byte. */
  readonly bytes?: readonly { readonly fromEnd: number; readonly bytes: string }[];
}

export interface FirmwareThen {
  /** Whether the table can be found; `invalid size`: there is a footer, and its length is complained of. */
  readonly table?: 'there' | 'none' | 'invalid size';
  /** Of the table with its footer, in bytes. */
  readonly tableLength?: number;
  /** Entries that can be found, from the end of the image on; data in hexadecimal. */
  readonly entries?: readonly { readonly guid: string; readonly data: string }[];
  /** What the secret block says. */
  readonly secretArea?: AnnouncedArea | 'none';
  /** What the hash table block says. */
  readonly hashesArea?: AnnouncedArea | 'none';
  /** The sections of the SEV metadata; `none`: no entry points to any; `refused`: they cannot be used. */
  readonly metadata?:
    | readonly { readonly base: string; readonly size: string; readonly type: number }[]
    | 'none'
    | 'refused';
  /** `boot`: whether a kernel would start. */
  readonly outcome?: 'handover' | 'stopped';
  /** `boot`: what the firmware made of each item that it came to; `refused`: it went no further. */
  readonly items?: Readonly<Partial<Record<BootItemName, 'verified' | 'unverified' | 'refused'>>>;
  /** `boot`, where no kernel starts: what a person sees last, if anything. */
  readonly console?: 'No bootable option was found.' | 'nothing';
  /** `boot`: the hand-off block that PEI made for the area, in hexadecimal; `none`: there is none. */
  readonly hob?: string;
  /** `boot`: what the configuration table's entry points to. */
  readonly location?: AnnouncedArea | 'none';
  /** `boot`: the type of the memory where that lies. */
  readonly locationIn?: string;
  /** `boot`: the memory map's entry around the page that the layout has for secrets. */
  readonly page?: { readonly type: string; readonly alone?: boolean; readonly attribute?: string };
  /** `boot`: types of the memory map's entries around these addresses. */
  readonly types?: Readonly<Record<string, string>>;
  /** `boot`: the attributes that entries of a type have. */
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  readonly memoryMap?: MemoryMapShape;
  readonly systemTable?: SystemTableShape;
  /** `boot`: what the guest reads at the area after the hand-over, as many bytes as `given.secret` has. */
  readonly secret?: string;
}

/** Hexadecimal. */
export interface AnnouncedArea {
  readonly base: string;
  readonly size: string;
}

/** `boot`: the memory map as a whole. */
export interface MemoryMapShape {
  /** Bytes. */
  readonly descriptorSize?: number;
  readonly descriptorVersion?: number;
  /** Whether padding is zero, and every virtual start. */
  readonly zeroPadding?: boolean;
  /** Whether every entry is one page or more, starts at a page, and overlaps no other. */
  readonly apart?: boolean;
}

/** `boot`: the system table, as the kernel finds it. */
export interface SystemTableShape {
  readonly headerSize?: number;
  readonly revision?: string;
  readonly reserved?: number;
  /** Whether the CRC-32 is that of the table. */
  readonly crc?: boolean;
  /** Whether ExitBootServices cleared the console's fields and that of the boot services. */
  readonly cleared?: boolean;
  /** Whether the vendor is text of 16-bit units with a NUL behind. */
  readonly vendorText?: boolean;
  /** The type of the memory where that text lies. */
  readonly vendorIn?: string;
  /** The type of the memory where the configuration table lies. */
  readonly configurationIn?: string;
}

// The Linux kernel and its efi_secret driver.

export interface KernelCase extends CaseHead {
  readonly room: 'kernel';
  readonly given: KernelGiven;
  /** One line each, such as `rm GUID`, after the probe. */
  readonly when: readonly string[];
  readonly then: KernelThen;
}

export interface KernelGiven {
  /**
   * `zeros`: nothing was injected. `documentation`: the four secrets of the example in the kernel's documentation. Or the
   * bytes at its start, in hexadecimal.
   */
  readonly area: SecretArea | 'zeros' | 'documentation' | { readonly bytes: string };
  /** Where the area lies, as the location says. Default: 3000000h, in reserved memory. */
  readonly base?: NumberText;
  /** Its length, as the location says. Default: 10000h. */
  readonly size?: NumberText;
  /** Where its bytes are put. Default: at the base. */
  readonly at?: NumberText;
  /** Default: 6.1. */
  readonly linux?: string;
  /**
   * `bind`: through the bind file of the driver, which answers with what the probe said. `load`: with its module. `none`:
   * not before the operations. Default: `bind`; with tables of its own `load`.
   */
  readonly mode?: 'bind' | 'load' | 'none';
  /** A boot of its own, on tables that are otherwise in this. */
  readonly tables?: KernelTables;
  /** How the kernel is built or started, where that is otherwise than usual. */
  readonly build?: readonly KernelBuild[];
}

/** What not every kernel under test can be. */
export const KERNEL_BUILDS = {
  'EFI_SECRET=y': 'the driver is part of the kernel',
  'X86_PAT=n': 'the kernel knows one way only to map memory',
  'no decompressor': 'nothing looks at the tables before the kernel proper does',
} as const;
export type KernelBuild = keyof typeof KERNEL_BUILDS;

/** What the loader and the firmware left: whatever is absent is sound. Addresses are guest-physical. */
export interface KernelTables {
  /** The characters by which boot_params tell of EFI. Default: EL64; `none`: four NULs. */
  readonly loader?: 'EL64' | 'none';
  readonly systemTable?: {
    /** As boot_params have it. */
    readonly address?: NumberText;
    readonly signature?: string;
    readonly revision?: NumberText;
    readonly headerSize?: NumberText;
    readonly crc?: NumberText;
    /** Where the vendor's name stands. */
    readonly vendor?: NumberText;
    /** How many entries the configuration table has. Default: the right number. */
    readonly count?: NumberText;
    /** Where the configuration table is. */
    readonly entries?: NumberText;
  };
  /** Entries of the configuration table; ten at most. Default: the one that locates the area, at 820300h. */
  readonly entries?: readonly { readonly table: EfiTableName; readonly address: NumberText }[];
  /** The memory map of EFI, as boot_params tell of it. */
  readonly memoryMap?: {
    readonly address?: NumberText;
    readonly size?: NumberText;
    readonly descriptorSize?: NumberText;
    readonly descriptorVersion?: NumberText;
  };
  /** What the maps say of the page at 80c000h, which is otherwise reserved. */
  readonly page?: { readonly e820?: E820Word; readonly efi?: EfiMemoryType };
  /** Words in front of those that any kernel needs which no firmware prepared; `noefi` in place of `efi=noruntime`. */
  readonly commandLine?: string;
  /** Bytes over all that. */
  readonly bytes?: readonly { readonly at: NumberText; readonly bytes: string }[];
}

/** Tables by the names that the kernel prints; `GUID swapped`: the area's GUID in big-endian order; `unknown`: any. */
export const EFI_TABLES = {
  CocoSecret: 'adf956ad-e98c-484c-ae11-b51c7d336447',
  'ACPI 2.0': '8868e871-e4f1-11d3-bc22-0080c73c8881',
  ACPI: 'eb9d2d30-2d88-11d3-9a16-0090273fc14d',
  SMBIOS: 'eb9d2d31-2d88-11d3-9a16-0090273fc14d',
  'SMBIOS 3.0': 'f2fd1544-9794-4a2c-992e-e5bbcf20e394',
  'GUID swapped': 'ad56f9ad-8ce9-4c48-ae11-b51c7d336447',
  unknown: '11111111-2222-3333-4444-555555555555',
} as const;
export type EfiTableName = keyof typeof EFI_TABLES;

/** Words of the kernel's log for types of memory. */
export type E820Word = 'usable' | 'reserved' | 'ACPI data' | 'ACPI NVS';

/** The bytes at the start of the area, zeros behind them. */
export interface SecretArea {
  readonly entries: readonly SecretAreaEntry[];
  /** How many entries follow with made-up names: 00000001-0000-4000-8000-000000000000 and so on, data `0`, `1`, … */
  readonly numbered?: number;
  /** Bytes behind the entries, in hexadecimal, which the length in the header counts. */
  readonly tail?: string;
  /** The length in the header. Default: the right one. */
  readonly headerLength?: NumberText;
  /** The GUID of the header. Default: the right one. */
  readonly headerGuid?: string;
}

export interface SecretAreaEntry {
  readonly guid: string;
  /** Hexadecimal. */
  readonly data: string;
  /** How often in a row. Default: once. */
  readonly repeat?: number;
  /** What the entry says; default: the right length. */
  readonly length?: NumberText;
}

export interface KernelThen {
  /** What binding the driver answers, or loading its module; null when it succeeds, or when neither is done. */
  readonly errno: string | null;
  /** Whether the driver is bound then. */
  readonly bound?: boolean;
  /** The driver's own lines and the driver core's, in order and with their levels; without debug messages. */
  readonly dmesg?: readonly string[];
  /** The driver's debug messages. */
  readonly debug?: readonly string[];
  /** Files below secrets/coco before any operation, by name; null: the directory is not there. */
  readonly files?: readonly { readonly name: string; readonly data: string }[] | null;
  readonly fileCount?: number;
  /** What each operation answers: an errno; null when it succeeds; or more, and then what is absent is not compared. */
  readonly operations?: readonly (string | null | OperationThen)[];
  /** The bytes at the start of the area when all is done, in hexadecimal; compared as far as they go. */
  readonly areaAfter?: string;
  /** A boot of its own: lines of its log about EFI, with their levels. */
  readonly efi?: readonly string[];
  /** A boot of its own: lines of its log with the memory map. */
  readonly e820?: readonly string[];
  /** A boot of its own: complaints about mappings, whenever they came. */
  readonly ioremap?: readonly string[];
  /** A boot of its own: whether the platform device is there. */
  readonly device?: boolean;
  /** A boot of its own: lines of /proc/iomem about memory. */
  readonly iomem?: readonly string[];
}

/** What an operation answers, by the keys of the answer. */
export interface OperationThen {
  /** The call's value. */
  readonly rc?: number;
  readonly err?: string;
  /** A content in hexadecimal, and its length. */
  readonly hex?: string;
  readonly len?: number;
  /** A content of more than 4096 bytes. */
  readonly sha256?: string;
  readonly text?: string;
  /** A file's type, mode, owner, size and number of links. */
  readonly st?: StatThen;
  /** Entries of a folder, by name. */
  readonly e?: readonly StatThen[];
  readonly bound?: boolean;
  readonly loaded?: boolean;
  /** Whether a time is the one that `utime` sets. */
  readonly atime?: 'set' | 'other';
  readonly mtime?: 'set' | 'other';
  /** Lines of the driver meanwhile. */
  readonly k?: readonly string[];
}

/** As the operations tell of a file: name, type as `ls -l` has it, mode in octal digits. */
export interface StatThen {
  readonly n?: string;
  readonly t?: string;
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly nlink?: number;
}
