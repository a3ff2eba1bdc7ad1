import { systemAddress } from '../address.ts';
import { at, bytes, reserved, struct, u8, u16le, u32le, type ValueOf } from '../layout.ts';

/** Command identifiers (55766, Command Identifiers). */
export const COMMAND_ID = {
  INIT: 0x001,
  SHUTDOWN: 0x002,
  PLATFORM_RESET: 0x003,
  PLATFORM_STATUS: 0x004,
  PEK_GEN: 0x005,
  PEK_CSR: 0x006,
  PEK_CERT_IMPORT: 0x007,
  PDH_CERT_EXPORT: 0x008,
  PDH_GEN: 0x009,
  DF_FLUSH: 0x00a,
  DOWNLOAD_FIRMWARE: 0x00b,
  GET_ID: 0x00c,
  INIT_EX: 0x00d,
  NOP: 0x00e,
  RING_BUFFER: 0x00f,
  DECOMMISSION: 0x020,
  ACTIVATE: 0x021,
  DEACTIVATE: 0x022,
  GUEST_STATUS: 0x023,
  COPY: 0x024,
  ACTIVATE_EX: 0x025,
  LAUNCH_START: 0x030,
  LAUNCH_UPDATE_DATA: 0x031,
  LAUNCH_UPDATE_VMSA: 0x032,
  LAUNCH_MEASURE: 0x033,
  LAUNCH_SECRET: 0x034,
  LAUNCH_FINISH: 0x035,
  ATTESTATION: 0x036,
  SEND_START: 0x040,
  SEND_UPDATE_DATA: 0x041,
  SEND_UPDATE_VMSA: 0x042,
  SEND_FINISH: 0x043,
  SEND_CANCEL: 0x044,
  RECEIVE_START: 0x050,
  RECEIVE_UPDATE_DATA: 0x051,
  RECEIVE_UPDATE_VMSA: 0x052,
  RECEIVE_FINISH: 0x053,
  DBG_DECRYPT: 0x060,
  DBG_ENCRYPT: 0x061,
  SWAP_OUT: 0x070,
  SWAP_IN: 0x071,
} as const;

export type CommandName = keyof typeof COMMAND_ID;

export const InitBuffer = struct('INIT command buffer', '55766, INIT', {
  flags: at(0x00, u16le, 'FLAGS. Bit 0: SEV-ES.'),
  reserved02: at(0x02, u16le, 'Must be zero: INIT and INIT_EX alone look.'),
  reserved04: at(0x04, u32le, 'Must be zero.'),
  tmrPaddr: at(0x08, systemAddress, 'sPA of the trusted memory region, for SEV-ES.'),
  tmrLen: at(0x10, u32le, 'Length of that region, in bytes.'),
});
export type InitBuffer = ValueOf<typeof InitBuffer>;

export const InitExBuffer = struct('INIT_EX command buffer', '55766, INIT_EX', {
  length: at(0x00, u32le, 'Length of this buffer, 0x24.'),
  flags: at(0x04, u16le, 'FLAGS. Bit 0: SEV-ES.'),
  reserved06: at(0x06, u16le, 'Must be zero.'),
  tmrPaddr: at(0x08, systemAddress, 'sPA of the trusted memory region, for SEV-ES.'),
  tmrLen: at(0x10, u32le, 'Length of that region, in bytes.'),
  reserved14: at(0x14, u32le, 'Must be zero.'),
  nvPaddr: at(
    0x18,
    systemAddress,
    "sPA of the area that holds the identity, 4 KiB aligned; 0 for the part's flash.",
  ),
  nvLen: at(0x20, u32le, 'Length of that area, 0x8000.'),
});
export type InitExBuffer = ValueOf<typeof InitExBuffer>;

export const PlatformStatusBuffer = struct('PLATFORM_STATUS command buffer', '55766, PLATFORM_STATUS', {
  apiMajor: at(0x00, u8, 'API_MAJOR. Out.'),
  apiMinor: at(0x01, u8, 'API_MINOR. Out.'),
  state: at(0x02, u8, '0 UNINIT, 1 INIT, 2 WORKING. Out.'),
  owner: at(0x03, u8, 'Bit 0: externally owned. Out.'),
  config: at(0x04, u16le, 'Bit 0: SEV-ES. Out.'),
  reserved06: at(0x06, reserved(1), ''),
  build: at(0x07, u8, 'BUILD of the firmware. Out.'),
  guestCount: at(0x08, u32le, 'Number of guests. Out.'),
});
export type PlatformStatusBuffer = ValueOf<typeof PlatformStatusBuffer>;

export const PekCsrBuffer = struct('PEK_CSR command buffer', '55766, PEK_CSR', {
  csrPaddr: at(0x00, systemAddress, 'sPA to write the certificate signing request to.'),
  csrLen: at(0x08, u32le, 'Length of that buffer; 0x824 is needed. In and out.'),
});
export type PekCsrBuffer = ValueOf<typeof PekCsrBuffer>;

export const PekCertImportBuffer = struct('PEK_CERT_IMPORT command buffer', '55766, PEK_CERT_IMPORT', {
  pekPaddr: at(0x00, systemAddress, 'sPA of the PEK certificate, signed by the owner.'),
  pekLen: at(0x08, u32le, 'Length of that certificate, 0x824.'),
  reserved0c: at(0x0c, reserved(4), ''),
  ocaPaddr: at(0x10, systemAddress, "sPA of the owner's certificate."),
  ocaLen: at(0x18, u32le, 'Length of that certificate, 0x824.'),
});
export type PekCertImportBuffer = ValueOf<typeof PekCertImportBuffer>;

export const PdhCertExportBuffer = struct('PDH_CERT_EXPORT command buffer', '55766, PDH_CERT_EXPORT', {
  pdhPaddr: at(0x00, systemAddress, 'sPA to write the PDH certificate to.'),
  pdhLen: at(0x08, u32le, 'Length of that buffer; 0x824 is needed. In and out.'),
  reserved0c: at(0x0c, reserved(4), ''),
  certsPaddr: at(0x10, systemAddress, 'sPA to write PEK, OCA and CEK to.'),
  certsLen: at(0x18, u32le, 'Length of that buffer; 0x186c is needed. In and out.'),
});
export type PdhCertExportBuffer = ValueOf<typeof PdhCertExportBuffer>;

export const GetIdBuffer = struct('GET_ID command buffer', '55766, GET_ID', {
  idPaddr: at(0x00, systemAddress, 'sPA to write the identifier of the chip to.'),
  idLen: at(0x08, u32le, 'Length of that buffer; 0x40 is needed. In and out.'),
});
export type GetIdBuffer = ValueOf<typeof GetIdBuffer>;

export const HandleBuffer = struct(
  'HANDLE command buffer',
  '55766, DECOMMISSION, DEACTIVATE and LAUNCH_FINISH',
  { handle: at(0x00, u32le, 'Guest handle.') },
);
export type HandleBuffer = ValueOf<typeof HandleBuffer>;

export const ActivateBuffer = struct('ACTIVATE command buffer', '55766, ACTIVATE', {
  handle: at(0x00, u32le, 'Guest handle.'),
  asid: at(0x04, u32le, 'ASID to bind the guest to.'),
});
export type ActivateBuffer = ValueOf<typeof ActivateBuffer>;

export const GuestStatusBuffer = struct('GUEST_STATUS command buffer', '55766, GUEST_STATUS', {
  handle: at(0x00, u32le, 'Guest handle.'),
  policy: at(0x04, u32le, 'Guest policy. Out.'),
  asid: at(0x08, u32le, 'ASID, 0 if none. Out.'),
  state: at(0x0c, u8, '0 UNINIT, 1 LUPDATE, 2 LSECRET, 3 RUNNING, 4 SUPDATE, 5 RUPDATE, 6 SENT. Out.'),
});
export type GuestStatusBuffer = ValueOf<typeof GuestStatusBuffer>;

export const LaunchStartBuffer = struct('LAUNCH_START command buffer', '55766, LAUNCH_START', {
  handle: at(0x00, u32le, 'In: 0 for a new key, or the guest to share it with. Out: the new handle.'),
  policy: at(0x04, u32le, 'Guest policy.'),
  dhCertPaddr: at(
    0x08,
    systemAddress,
    "sPA of the guest owner's Diffie-Hellman certificate; 0 for no session.",
  ),
  dhCertLen: at(0x10, u32le, 'Length of the certificate, 0x824.'),
  reserved14: at(0x14, reserved(4), ''),
  sessionPaddr: at(0x18, systemAddress, 'sPA of the session.'),
  sessionLen: at(0x20, u32le, 'Length of the session, 0x80.'),
});
export type LaunchStartBuffer = ValueOf<typeof LaunchStartBuffer>;

export const LaunchUpdateBuffer = struct(
  'LAUNCH_UPDATE command buffer',
  '55766, LAUNCH_UPDATE_DATA and LAUNCH_UPDATE_VMSA',
  {
    handle: at(0x00, u32le, 'Guest handle.'),
    reserved04: at(0x04, reserved(4), ''),
    paddr: at(0x08, systemAddress, 'sPA of the bytes to measure and encrypt in place.'),
    length: at(0x10, u32le, 'How many bytes; a multiple of 16.'),
  },
);
export type LaunchUpdateBuffer = ValueOf<typeof LaunchUpdateBuffer>;

export const LaunchMeasureBuffer = struct('LAUNCH_MEASURE command buffer', '55766, LAUNCH_MEASURE', {
  handle: at(0x00, u32le, 'Guest handle.'),
  reserved04: at(0x04, reserved(4), ''),
  measurePaddr: at(0x08, systemAddress, 'sPA to write the measurement to.'),
  measureLen: at(0x10, u32le, 'Length of that buffer; 0x30 is needed. In and out.'),
});
export type LaunchMeasureBuffer = ValueOf<typeof LaunchMeasureBuffer>;

export const LaunchSecretBuffer = struct('LAUNCH_SECRET command buffer', '55766, LAUNCH_SECRET', {
  handle: at(0x00, u32le, 'Guest handle.'),
  reserved04: at(0x04, reserved(4), ''),
  hdrPaddr: at(0x08, systemAddress, 'sPA of the packet header.'),
  hdrLen: at(0x10, u32le, 'Length of the packet header, 0x34.'),
  reserved14: at(0x14, reserved(4), ''),
  guestPaddr: at(0x18, systemAddress, 'sPA of the guest memory the secret is written to.'),
  guestLen: at(0x20, u32le, 'Length of the guest memory region.'),
  reserved24: at(0x24, reserved(4), ''),
  transPaddr: at(0x28, systemAddress, 'sPA of the packet data.'),
  transLen: at(0x30, u32le, 'Length of the packet data.'),
});
export type LaunchSecretBuffer = ValueOf<typeof LaunchSecretBuffer>;

export const AttestationBuffer = struct('ATTESTATION command buffer', '55766, ATTESTATION', {
  handle: at(0x00, u32le, 'Guest handle.'),
  reserved04: at(0x04, reserved(4), ''),
  paddr: at(0x08, systemAddress, 'sPA to write the report to.'),
  mnonce: at(0x10, bytes(16), 'MNONCE: comes back in the report.'),
  length: at(0x20, u32le, 'Length of that buffer; 0xd0 is needed. In and out.'),
});
export type AttestationBuffer = ValueOf<typeof AttestationBuffer>;

export const DebugBuffer = struct('DBG command buffer', '55766, DBG_DECRYPT and DBG_ENCRYPT', {
  handle: at(0x00, u32le, 'Guest handle.'),
  reserved04: at(0x04, reserved(4), ''),
  srcPaddr: at(0x08, systemAddress, 'sPA to read from, 16-byte aligned.'),
  dstPaddr: at(0x10, systemAddress, 'sPA to write to, 16-byte aligned.'),
  length: at(0x18, u32le, 'How many bytes; a multiple of 16.'),
});
export type DebugBuffer = ValueOf<typeof DebugBuffer>;

export const CopyBuffer = struct('COPY command buffer', '55766, COPY', {
  handle: at(0x00, u32le, 'Guest handle.'),
  length: at(0x04, u32le, 'How many bytes; a multiple of 4096.'),
  srcPaddr: at(0x08, systemAddress, 'sPA of the pages to copy, 4 KiB aligned.'),
  dstPaddr: at(0x10, systemAddress, 'sPA of where they go, 4 KiB aligned.'),
});
export type CopyBuffer = ValueOf<typeof CopyBuffer>;

export const ActivateExBuffer = struct('ACTIVATE_EX command buffer', '55766, ACTIVATE_EX', {
  exLen: at(0x00, u32le, 'Length of this buffer, 0x18.'),
  handle: at(0x04, u32le, 'Guest handle.'),
  asid: at(0x08, u32le, 'ASID to bind the guest to.'),
  numIds: at(0x0c, u32le, 'Number of APIC IDs, 1 to 1024.'),
  idsPaddr: at(0x10, systemAddress, 'sPA of those IDs, 4 bytes each.'),
});
export type ActivateExBuffer = ValueOf<typeof ActivateExBuffer>;

export const SendStartBuffer = struct('SEND_START command buffer', '55766, SEND_START', {
  handle: at(0x00, u32le, 'Guest handle.'),
  policy: at(0x04, u32le, 'Guest policy. Out.'),
  pdhCertPaddr: at(0x08, systemAddress, "sPA of the receiving platform's PDH certificate."),
  pdhCertLen: at(0x10, u32le, 'Length of that certificate, 0x824.'),
  reserved14: at(0x14, reserved(4), ''),
  platCertsPaddr: at(
    0x18,
    systemAddress,
    'sPA of its PEK, OCA and CEK. Read when the policy has DOMAIN or SEV.',
  ),
  platCertsLen: at(0x20, u32le, 'Length of those certificates, 0x186c.'),
  reserved24: at(0x24, reserved(4), ''),
  amdCertsPaddr: at(0x28, systemAddress, 'sPA of its ASK and ARK. Read when the policy has SEV.'),
  amdCertsLen: at(0x30, u32le, 'Length of those certificates, 0xc80.'),
  reserved34: at(0x34, reserved(4), ''),
  sessionPaddr: at(0x38, systemAddress, 'sPA to write the session to.'),
  sessionLen: at(0x40, u32le, 'Length of that buffer, 0x80. In and out.'),
});
export type SendStartBuffer = ValueOf<typeof SendStartBuffer>;

export const SendUpdateBuffer = struct('SEND_UPDATE_DATA command buffer', '55766, SEND_UPDATE_DATA', {
  handle: at(0x00, u32le, 'Guest handle.'),
  reserved04: at(0x04, reserved(4), ''),
  hdrPaddr: at(0x08, systemAddress, 'sPA to write the packet header to.'),
  hdrLen: at(0x10, u32le, 'Length of that buffer; 0x34 is needed. In and out.'),
  reserved14: at(0x14, reserved(4), ''),
  guestPaddr: at(0x18, systemAddress, 'sPA of the guest memory to send.'),
  guestLen: at(0x20, u32le, 'Length of the guest memory region.'),
  reserved24: at(0x24, reserved(4), ''),
  transPaddr: at(0x28, systemAddress, 'sPA to write the packet data to.'),
  transLen: at(0x30, u32le, 'Length of that buffer; GUEST_LEN is needed. In and out.'),
});
export type SendUpdateBuffer = ValueOf<typeof SendUpdateBuffer>;

export const ReceiveStartBuffer = struct('RECEIVE_START command buffer', '55766, RECEIVE_START', {
  handle: at(0x00, u32le, 'In: 0 for a new key, or the guest to share it with. Out: the new handle.'),
  policy: at(0x04, u32le, 'Guest policy.'),
  pdhCertPaddr: at(0x08, systemAddress, "sPA of the sending platform's PDH certificate."),
  pdhCertLen: at(0x10, u32le, 'Length of the certificate, 0x824.'),
  reserved14: at(0x14, reserved(4), ''),
  sessionPaddr: at(0x18, systemAddress, 'sPA of the session.'),
  sessionLen: at(0x20, u32le, 'Length of the session, 0x80.'),
});
export type ReceiveStartBuffer = ValueOf<typeof ReceiveStartBuffer>;

export const ReceiveUpdateBuffer = struct(
  'RECEIVE_UPDATE_DATA command buffer',
  '55766, RECEIVE_UPDATE_DATA',
  {
    handle: at(0x00, u32le, 'Guest handle.'),
    reserved04: at(0x04, reserved(4), ''),
    hdrPaddr: at(0x08, systemAddress, 'sPA of the packet header.'),
    hdrLen: at(0x10, u32le, 'Length of the packet header, 0x34.'),
    reserved14: at(0x14, reserved(4), ''),
    guestPaddr: at(0x18, systemAddress, 'sPA of the guest memory the data is written to.'),
    guestLen: at(0x20, u32le, 'Length of the guest memory region.'),
    reserved24: at(0x24, reserved(4), ''),
    transPaddr: at(0x28, systemAddress, 'sPA of the packet data.'),
    transLen: at(0x30, u32le, 'Length of the packet data.'),
  },
);
export type ReceiveUpdateBuffer = ValueOf<typeof ReceiveUpdateBuffer>;

/** The buffer of each command that sevlab can take apart. */
export const COMMAND_BUFFERS = {
  INIT: InitBuffer,
  INIT_EX: InitExBuffer,
  PLATFORM_STATUS: PlatformStatusBuffer,
  PEK_CSR: PekCsrBuffer,
  PEK_CERT_IMPORT: PekCertImportBuffer,
  PDH_CERT_EXPORT: PdhCertExportBuffer,
  GET_ID: GetIdBuffer,
  DECOMMISSION: HandleBuffer,
  ACTIVATE: ActivateBuffer,
  DEACTIVATE: HandleBuffer,
  GUEST_STATUS: GuestStatusBuffer,
  LAUNCH_START: LaunchStartBuffer,
  LAUNCH_UPDATE_DATA: LaunchUpdateBuffer,
  LAUNCH_MEASURE: LaunchMeasureBuffer,
  LAUNCH_SECRET: LaunchSecretBuffer,
  LAUNCH_UPDATE_VMSA: LaunchUpdateBuffer,
  LAUNCH_FINISH: HandleBuffer,
  SEND_START: SendStartBuffer,
  SEND_UPDATE_DATA: SendUpdateBuffer,
  SEND_UPDATE_VMSA: SendUpdateBuffer,
  SEND_FINISH: HandleBuffer,
  SEND_CANCEL: HandleBuffer,
  RECEIVE_START: ReceiveStartBuffer,
  RECEIVE_UPDATE_DATA: ReceiveUpdateBuffer,
  RECEIVE_UPDATE_VMSA: ReceiveUpdateBuffer,
  RECEIVE_FINISH: HandleBuffer,
  ATTESTATION: AttestationBuffer,
  COPY: CopyBuffer,
  ACTIVATE_EX: ActivateExBuffer,
  DBG_DECRYPT: DebugBuffer,
  DBG_ENCRYPT: DebugBuffer,
} as const;
