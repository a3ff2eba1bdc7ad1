import {
  BOOT_PARAMS_SIZE,
  E820_ENTRIES_OFFSET,
  E820_TABLE_OFFSET,
  E820Entry,
  EFI_INFO_OFFSET,
} from '@sevlab/codec/efi/boot-params';
import { type AnnotatedBytes, manyStructures, oneStructure, plainField } from './structure-fields.ts';
import { hashesTable, secretTable } from './tables.ts';

/** What a message has under a name. */
const MESSAGE_FIELDS: Readonly<Record<string, readonly [structure: string, label: string]>> = {
  pdh: ['certificate', 'PDH certificate'],
  pek: ['certificate', 'PEK certificate'],
  oca: ['certificate', 'OCA certificate'],
  cek: ['certificate', 'CEK certificate'],
  ask: ['amd-certificate-head', 'ASK certificate'],
  ark: ['amd-certificate-head', 'ARK certificate'],
  godh: ['certificate', "guest owner's certificate"],
  session: ['session', 'launch session'],
  measurement: ['measurement', 'measurement'],
  header: ['packet-header', 'packet header'],
};

/** What a command's address leads to, and whether the AMD-SP fills it in. */
export interface Pointer {
  readonly field: string;
  /** Absent for bytes without one, of which `lengthField` says how many they are. */
  readonly structure?: string;
  readonly lengthField?: string;
  readonly label: string;
  readonly written?: true;
  readonly count?: number;
}

/** Those of each command that has any. */
export const POINTERS: Readonly<Record<string, readonly Pointer[]>> = {
  PDH_CERT_EXPORT: [
    { field: 'pdhPaddr', structure: 'certificate', label: 'PDH certificate', written: true },
    {
      field: 'certsPaddr',
      structure: 'certificate',
      label: 'PEK, OCA and CEK certificates',
      written: true,
      count: 3,
    },
  ],
  LAUNCH_START: [
    { field: 'dhCertPaddr', structure: 'certificate', label: "guest owner's certificate" },
    { field: 'sessionPaddr', structure: 'session', label: 'launch session' },
  ],
  LAUNCH_MEASURE: [{ field: 'measurePaddr', structure: 'measurement', label: 'measurement', written: true }],
  LAUNCH_SECRET: [
    { field: 'hdrPaddr', structure: 'packet-header', label: 'packet header' },
    { field: 'transPaddr', lengthField: 'transLen', label: 'packet data' },
  ],
  ATTESTATION: [
    { field: 'paddr', structure: 'attestation-report', label: 'attestation report', written: true },
  ],
  SEND_START: [
    { field: 'pdhCertPaddr', structure: 'certificate', label: "receiver's certificate" },
    { field: 'sessionPaddr', structure: 'session', label: 'session for the receiver', written: true },
  ],
  SEND_UPDATE_DATA: [
    { field: 'hdrPaddr', structure: 'packet-header', label: 'packet header', written: true },
  ],
};

/** What starts with these characters. */
const SIGNATURES: readonly (readonly [text: string, structure: string, label: string])[] = [
  ['IBI SYST', 'system-table', 'EFI system table'],
  ['sevlabFW', 'manifest', 'image manifest'],
  ['sevlabENC', 'encrypted-file', 'encrypted file'],
  ['RSD PTR ', 'rsdp', 'ACPI root pointer'],
  ['FACP', 'fadt', 'FADT'],
  ['FACS', 'facs', 'FACS'],
  ['APIC', 'madt', 'MADT'],
  ['_SM3_', 'smbios3-entry-point', 'SMBIOS 3 entry point'],
  ['_SM_', 'smbios-entry-point', 'SMBIOS entry point'],
];
/** Characters. */
const LONGEST_SIGNATURE = 9;

/** The data of a packet, which has no structure before it is decrypted. */
export function packetData(bytes: Uint8Array): AnnotatedBytes {
  const clause = '55766, LAUNCH_SECRET';
  const doc = 'The secret table and its padding, encrypted with AES-128-CTR under the TEK.';
  const fields = [plainField({ name: 'data', offset: 0, length: bytes.length, doc, clause }, bytes)];
  return { label: 'packet data', bytes, fields, clause };
}

/** What a message has under a name; undefined for what is no structure. */
export function sentField(field: string, bytes: Uint8Array): AnnotatedBytes | undefined {
  if (field === 'data') return packetData(bytes);
  const known = Object.hasOwn(MESSAGE_FIELDS, field) ? MESSAGE_FIELDS[field] : undefined;
  return known && oneStructure(known[0], bytes, known[1]);
}

/** What bytes are by what they start with, or by the command that writes them. */
export function contentOf(bytes: Uint8Array, command: string | undefined): AnnotatedBytes[] {
  const table = secretTable(bytes) ?? hashesTable(bytes);
  if (table !== undefined) return [table];
  if (command === 'LAUNCH_UPDATE_VMSA') return listed(oneStructure('vmsa', bytes, 'VMSA'));
  const start = String.fromCharCode(...bytes.subarray(0, LONGEST_SIGNATURE));
  const known = SIGNATURES.find(([text]) => start.startsWith(text));
  return known === undefined ? [] : listed(oneStructure(known[1], bytes, known[2]));
}

/** What of boot_params concerns EFI and memory. */
export function bootParamsOf(bytes: Uint8Array): AnnotatedBytes[] {
  if (bytes.length < BOOT_PARAMS_SIZE) return [];
  const end = E820_TABLE_OFFSET + bytes[E820_ENTRIES_OFFSET]! * E820Entry.size;
  return [
    {
      annotated: oneStructure('efi-info', bytes.subarray(EFI_INFO_OFFSET), 'efi_info'),
      offset: EFI_INFO_OFFSET,
    },
    {
      annotated: manyStructures('e820-entry', bytes.subarray(E820_TABLE_OFFSET, end), 'e820 table'),
      offset: E820_TABLE_OFFSET,
    },
  ].flatMap(({ annotated, offset }) => (annotated === undefined ? [] : [{ ...annotated, offset }]));
}

/** One, or none. */
export const listed = (annotated: AnnotatedBytes | undefined): AnnotatedBytes[] =>
  annotated === undefined ? [] : [annotated];
