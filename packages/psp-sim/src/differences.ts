import type { FirmwareProfile } from './profile.ts';

/** Something that firmware 1.55, the published specification and its clients do not do alike. */
export interface Difference {
  /** D-1 to D-42; never given to another. */
  readonly id: `D-${number}`;
  readonly topic: string;
  /** What SEV firmware 1.55 for Genoa does. */
  readonly firmware: string;
  /** What the specification has, as we read it, or what clients do. */
  readonly specification: string;
  /** Which field of the profile decides it here; or that both profiles do the same; or that it is no AMD-SP's to decide. */
  readonly decidedBy: keyof FirmwareProfile | 'the same on both' | "a client's matter";
}

/** All of them, in order. */
export const DIFFERENCES: readonly Difference[] = [
  {
    id: 'D-1',
    topic: 'Keys of a launch without a session',
    firmware: 'TEK and TIK are zero, and the launch goes on.',
    specification: 'A session is optional; what the keys are without one is not said. Here as the firmware.',
    decidedBy: 'sessionless',
  },
  {
    id: 'D-2',
    topic: 'Policy of a launch without a session',
    firmware: 'Reserved bits and version are not looked at.',
    specification: 'The policy is checked in every launch.',
    decidedBy: 'sessionlessPolicyChecked',
  },
  {
    id: 'D-3',
    topic: 'Longest LAUNCH_SECRET packet',
    firmware: 'Its scratch memory takes 20,480 bytes. Here 16,384, as KVM lets no more pass.',
    specification: '16,384 bytes.',
    decidedBy: 'secretMax',
  },
  {
    id: 'D-4',
    topic: 'COMPRESSED packets',
    firmware:
      'UNSUPPORTED: by LAUNCH_SECRET after a good MAC, by RECEIVE_UPDATE before the MAC is looked at.',
    specification: 'Has compression, and does not say how it is done.',
    decidedBy: 'the same on both',
  },
  {
    id: 'D-5',
    topic: 'HDR_LEN',
    firmware: 'Exactly the size of the header.',
    specification: 'Not less than that.',
    decidedBy: 'headerLengthExact',
  },
  {
    id: 'D-6',
    topic: 'Reserved bytes of command buffers',
    firmware: 'Looked at by INIT and INIT_EX alone.',
    specification: 'Zero in every command; if not, INVALID_PARAM is our choice.',
    decidedBy: 'strictReserved',
  },
  {
    id: 'D-7',
    topic: 'Order of checks',
    firmware:
      'LAUNCH_SECRET and DBG test addresses and lengths before the state of the guest, LAUNCH_UPDATE after it.',
    specification: 'No order is given. Here as the firmware.',
    decidedBy: 'the same on both',
  },
  {
    id: 'D-8',
    topic: 'Length of a VMSA',
    firmware: 'Tested before everything else, even before INIT.',
    specification: 'No order is given. Here after the states, as for data.',
    decidedBy: 'vmsaLengthFirst',
  },
  {
    id: 'D-9',
    topic: 'LAUNCH_MEASURE to a bad address',
    firmware:
      'The digest is finished already: the next LAUNCH_MEASURE gives a measurement that nobody expects.',
    specification: 'A command that fails changes nothing.',
    decidedBy: 'measureSpoilsDigest',
  },
  {
    id: 'D-10',
    topic: 'VMSA without room for its checksum',
    firmware: 'RESOURCE_LIMIT, but the page is in the digest.',
    specification: 'A command that fails changes nothing.',
    decidedBy: 'refusedVmsaIsMeasured',
  },
  {
    id: 'D-11',
    topic: 'DF_FLUSH before INIT',
    firmware: 'Taken.',
    specification: 'INVALID_PLATFORM_STATE.',
    decidedBy: 'dfFlushInUninit',
  },
  {
    id: 'D-12',
    topic: 'DF_FLUSH after WBINVD on some cores',
    firmware: 'WBINVD_REQUIRED, but where one core of a complex is done the ASIDs become clean.',
    specification: 'Every core of a complex counts.',
    decidedBy: 'dfFlushByComplex',
  },
  {
    id: 'D-13',
    topic: 'PDH at INIT',
    firmware: 'Made only when there is none.',
    specification: 'Always a new one.',
    decidedBy: 'initRenewsPdh',
  },
  {
    id: 'D-14',
    topic: 'SHUTDOWN before INIT',
    firmware: 'Taken.',
    specification: 'INVALID_PLATFORM_STATE.',
    decidedBy: 'shutdownInUninit',
  },
  {
    id: 'D-15',
    topic: 'PEK_CSR while guests are there',
    firmware: 'Taken.',
    specification: 'INVALID_PLATFORM_STATE.',
    decidedBy: 'pekCsrInWorking',
  },
  {
    id: 'D-16',
    topic: 'GUEST_STATUS of a handle without a guest',
    firmware: 'SUCCESS and state 0; POLICY and ASID stay as the host wrote them.',
    specification: 'SUCCESS and state UNINIT; of the other fields nothing is said.',
    decidedBy: 'the same on both',
  },
  {
    id: 'D-17',
    topic: 'MAC of a VMSA between platforms',
    firmware: 'Context 2, as data: a VMSA and a page of data can be taken for one another.',
    specification: 'Context 3.',
    decidedBy: 'vmsaContext',
  },
  {
    id: 'D-18',
    topic: 'When there is a report',
    firmware:
      'In LSECRET, RUNNING, SUPDATE and SENT; the digest of a guest that came from elsewhere is zero.',
    specification: 'States are named differently in its versions. Here as the firmware.',
    decidedBy: 'the same on both',
  },
  {
    id: 'D-19',
    topic: 'MEASURE_LEN after success',
    firmware: 'As the host wrote it.',
    specification: 'The number of bytes that were written.',
    decidedBy: 'measureLenWritten',
  },
  {
    id: 'D-20',
    topic: 'Version in a policy, by sevctl',
    firmware: 'Bits 23:16 and 31:24.',
    specification:
      'The sev crate takes major and minor from the two halves of bits 23:16: the POLICY_MAC does not fit.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-21',
    topic: 'Policy of a session, by sev-tool',
    firmware: 'All 32 bits are under POLICY_MAC.',
    specification:
      'generate_launch_blob keeps the low 8 bits: the POLICY_MAC fits only when there are no others.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-22',
    topic: 'Signature of a report',
    firmware: 'r and s, 72 bytes each, little endian.',
    specification:
      'The sev crate 7.1.0 reads DER; sevctl 0.6.2 refuses the report by its size before that. sev-tool verifies it.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-23',
    topic: 'Length of a secret',
    firmware: 'A multiple of 16 bytes.',
    specification: 'sev-tool does not pad what it packages.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-24',
    topic: 'Shortest secret',
    firmware: '16 bytes.',
    specification: 'sev-tool refuses fewer than 8.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-25',
    topic: 'Binding of a packet to its launch',
    firmware: 'MEASURE is under the MAC from API 0.17 on.',
    specification:
      'sev-tool decides by the API version in the PEK certificate, which may be older than the firmware.',
    decidedBy: 'version',
  },
  {
    id: 'D-26',
    topic: 'LAUNCH_SECRET after LAUNCH_FINISH',
    firmware: 'INVALID_GUEST_STATE.',
    specification: 'The readme of sev-tool has the two in that order.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-27',
    topic: 'Hash of the launch digest',
    firmware: 'SHA-256.',
    specification: 'The readme of sev-tool says SHA-384 for Rome; its code takes 32 bytes.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-28',
    topic: 'API version in certificates',
    firmware: 'In every certificate that it makes.',
    specification: 'A comment of sev-tool says in the PEK alone; it does not look.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-29',
    topic: 'Curve 1',
    firmware: 'The constants of secp256k1, for GET_ID; in no certificate.',
    specification: 'Clients take it for P-256. A certificate with it is refused here.',
    decidedBy: 'the same on both',
  },
  {
    id: 'D-30',
    topic: "Algorithm of a guest owner's key",
    firmware: 'ECDH with SHA-256 alone.',
    specification: 'ECDH with SHA-384 too.',
    decidedBy: 'ecdhSha384',
  },
  {
    id: 'D-31',
    topic: "How AMD's root is known",
    firmware: 'By a hash in fuses.',
    specification: 'sev-tool compares 8 bytes of a key id; sevctl takes any root that it is given.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-32',
    topic: 'Signature of an OCA by itself',
    firmware: 'Verified by PEK_CERT_IMPORT.',
    specification: 'The chain check of sev-tool passes over it.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-33',
    topic: 'Address with no memory behind it',
    firmware: 'INVALID_CONFIG.',
    specification: 'INVALID_ADDRESS.',
    decidedBy: 'noDram',
  },
  {
    id: 'D-34',
    topic: 'DBG of no bytes',
    firmware: 'An internal error, for which INVALID_PARAM stands here.',
    specification: 'Not clear; INVALID_LENGTH is our reading.',
    decidedBy: 'debugLengthZero',
  },
  {
    id: 'D-35',
    topic: 'Size of command buffers',
    firmware: 'With the tail padding of a C structure: up to 4 bytes more are read, and written back.',
    specification: 'As many bytes as the fields have.',
    decidedBy: 'copiesPadding',
  },
  {
    id: 'D-36',
    topic: 'Address registers after a command',
    firmware: 'Hold error numbers of its own; 0 after success.',
    specification: 'Stay as the host wrote them.',
    decidedBy: 'clobbersAddress',
  },
  {
    id: 'D-37',
    topic: 'ASID of a guest that never ran, after DEACTIVATE',
    firmware: 'Clean at once; its key stays installed.',
    specification: 'WBINVD and DF_FLUSH come before its next use.',
    decidedBy: 'pendingLeavesClean',
  },
  {
    id: 'D-38',
    topic: 'What a VMSA holds at launch',
    firmware: 'Whatever the host put there is measured.',
    specification: 'Versions of sevctl, QEMU and KVM differ in MXCSR and FCW, and so in the digest.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-39',
    topic: 'SEV_FEATURES of a VMSA',
    firmware: 'Measured as it is.',
    specification: 'sev-snp-measure has 0 for SEV-ES; a VMM may ask KVM for another value.',
    decidedBy: "a client's matter",
  },
  {
    id: 'D-40',
    topic: 'Where a VMSA may start',
    firmware: 'At a multiple of 16.',
    specification: 'At a page.',
    decidedBy: 'vmsaPageAligned',
  },
  {
    id: 'D-41',
    topic: 'Launch of SEV-ES without a VMSA',
    firmware: 'Measured and finished like any other.',
    specification: 'Nothing is said.',
    decidedBy: 'the same on both',
  },
  {
    id: 'D-42',
    topic: 'Two signatures by the same key',
    firmware: 'The last one decides.',
    specification: 'One good one is enough.',
    decidedBy: 'lastSignatureDecides',
  },
];
