import type { Actor } from '@sevlab/codec/trace';

/** The eight stages of the pipeline, in order. */
export type StageId =
  | 'platform'
  | 'owner-offer'
  | 'launch'
  | 'verify-and-seal'
  | 'inject'
  | 'firmware'
  | 'kernel'
  | 'user-space';

export interface Stage {
  readonly id: StageId;
  readonly title: string;
  /** Who does the work. */
  readonly actor: Actor;
  readonly what: string;
  /** What that actor sees. */
  readonly sees: string;
  readonly cannotSee: string;
  /** Document and title. */
  readonly clause: string;
}

export const STAGES: readonly Stage[] = [
  {
    id: 'platform',
    title: 'The platform shows who it is',
    actor: 'amd-sp',
    what:
      'INIT starts the SEV firmware on the AMD Secure Processor. It holds a chain of keys: the CEK belongs to the chip and is signed by AMD, ' +
      'the PEK belongs to the platform and is signed by the CEK, and the PDH, signed by the PEK, is the key to talk to. ' +
      'The host exports the certificates; the private keys stay inside.',
    sees: 'Its own private keys, and all command buffers.',
    cannotSee: 'Who will use the platform, and for what.',
    clause: '55766, PDH_CERT_EXPORT',
  },
  {
    id: 'owner-offer',
    title: 'The guest owner checks the platform and makes an offer',
    actor: 'guest-owner',
    what:
      'The guest owner follows the signatures from the root that it trusts down to the PDH. ' +
      'Only then it makes a key pair of its own, agrees with the PDH on a secret, and wraps two transport keys with it: ' +
      'the TEK encrypts, the TIK authenticates. The policy of the guest goes along under a MAC, and the digest of the image that is wanted is known before anything starts.',
    sees: 'The certificates, and the transport keys that it made.',
    cannotSee: 'The machine itself. It knows only what signatures and MACs prove.',
    clause: '55766, LAUNCH_START',
  },
  {
    id: 'launch',
    title: 'The host launches the guest',
    actor: 'host',
    what:
      'The host places the firmware image in memory and hands the session to LAUNCH_START. ACTIVATE gives the guest an ASID and its memory key. ' +
      'LAUNCH_UPDATE_DATA hashes the image and encrypts it in place, and LAUNCH_MEASURE closes the digest and authenticates it with the TIK.',
    sees: 'The image that it placed, the wrapped session, the measurement, and ciphertext where the image was.',
    cannotSee: "TEK, TIK, the memory key, and the guest's memory in the clear from the encryption on.",
    clause: '55766, LAUNCH_MEASURE',
  },
  {
    id: 'verify-and-seal',
    title: 'The guest owner verifies, and only then seals the secrets',
    actor: 'guest-owner',
    what:
      'The guest owner computes the measurement that its own image, policy and firmware version should give, with the nonce of this launch. ' +
      'If it is the one that came, the launch is the wanted one. Only then the secret table is built, encrypted with the TEK and authenticated with the TIK.',
    sees: 'The measurement, and the secrets that it packs.',
    cannotSee: "Where in memory the packet will be put: the address is the host's choice.",
    clause: '55766, LAUNCH_MEASURE and LAUNCH_SECRET',
  },
  {
    id: 'inject',
    title: 'The AMD-SP opens the packet into the guest',
    actor: 'amd-sp',
    what:
      'The host names a packet and a target address with LAUNCH_SECRET. The AMD-SP goes through its checks in order, and the MAC is checked before anything is decrypted. ' +
      "Then it writes the plaintext under the guest's memory key. LAUNCH_FINISH erases the transport keys and lets the guest run.",
    sees: 'The packet, its plaintext while it copies, and the keys for both.',
    cannotSee: 'Whether the target address is the one that the firmware reserved: nothing authenticates it.',
    clause: '55766, LAUNCH_SECRET',
  },
  {
    id: 'firmware',
    title: 'The firmware starts inside the encrypted guest',
    actor: 'firmware',
    what:
      'VMRUN starts the measured image. The firmware reserves the pages of the secret area and does not read them. ' +
      'It installs a configuration table entry adf956ad-e98c-484c-ae11-b51c7d336447 that says where the area lies, and hands over to the kernel.',
    sees: 'All private memory of the guest, in the clear.',
    cannotSee: 'What the host does with the ciphertext.',
    clause: 'edk2 OvmfPkg/AmdSev, SecretPei and SecretDxe',
  },
  {
    id: 'kernel',
    title: 'The kernel finds the secret area',
    actor: 'kernel',
    what:
      'The kernel parses the EFI tables, saves the address in efi.coco_secret and registers the device efi_secret.0; udev loads the module efi_secret for it. ' +
      "The driver reads the area through the guest's key and looks for the header GUID 1e74f542-71dd-4d66-963e-ef4287ff173b. " +
      'Each entry of the table becomes a file in securityfs, below secrets/coco.',
    sees: 'The secret table in the clear.',
    cannotSee: 'Whether the host changed ciphertext before: memory encryption has no integrity check.',
    clause: 'drivers/virt/coco/efi_secret/efi_secret.c, efi_secret_probe()',
  },
  {
    id: 'user-space',
    title: 'User space reads the secrets, uses them and wipes them',
    actor: 'user',
    what:
      'A root process lists the files and reads a secret; the bytes come from guest memory at that moment. ' +
      'Deleting a file overwrites the secret in memory with zeros. ' +
      'A secret can be the key to a file on a disk that belongs to the host: the disk holds ciphertext, and the plaintext exists in private memory only.',
    sees: 'The secrets whose files it may open.',
    cannotSee: 'Secrets that were deleted, and who else has a copy.',
    clause: 'Documentation/security/secrets/coco.rst',
  },
];

export const stageById = (id: StageId): Stage => STAGES.find((stage) => stage.id === id)!; // every id is in the list

/** Commands that belong to one stage. The others, such as GUEST_STATUS, belong to the stage in which they come. */
const COMMAND_STAGES: Readonly<Record<string, StageId>> = {
  INIT: 'platform',
  INIT_EX: 'platform',
  SHUTDOWN: 'platform',
  PLATFORM_RESET: 'platform',
  PLATFORM_STATUS: 'platform',
  PEK_GEN: 'platform',
  PEK_CSR: 'platform',
  PEK_CERT_IMPORT: 'platform',
  PDH_CERT_EXPORT: 'platform',
  PDH_GEN: 'platform',
  DF_FLUSH: 'platform',
  GET_ID: 'platform',
  LAUNCH_START: 'launch',
  ACTIVATE: 'launch',
  ACTIVATE_EX: 'launch',
  LAUNCH_UPDATE_DATA: 'launch',
  LAUNCH_UPDATE_VMSA: 'launch',
  LAUNCH_MEASURE: 'launch',
  LAUNCH_SECRET: 'inject',
  LAUNCH_FINISH: 'inject',
};

export const stageOfCommand = (name: string): StageId | undefined =>
  Object.hasOwn(COMMAND_STAGES, name) ? COMMAND_STAGES[name] : undefined;

/** The stage of a message, and of the verdict on it. */
export const MESSAGE_STAGES = {
  certificates: 'owner-offer',
  session: 'owner-offer',
  measurement: 'verify-and-seal',
  packet: 'verify-and-seal',
} as const satisfies Record<string, StageId>;
