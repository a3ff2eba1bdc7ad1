import type { Tour } from './lesson.ts';

/** The secret whose way the tour follows. */
const SECRET = 'e6f5a162-d67f-4750-a67c-5d065f2a9910';

/** From a platform that is switched on to the shell session of the kernel's documentation, in eleven stops. */
export const TOUR: Tour = {
  scenario: 'kernel-documentation',
  stops: [
    {
      id: 'problem',
      title: 'A guest on a machine of somebody else',
      at: { type: 'command', name: 'INIT' },
      text: [
        'A guest owner wants to give four secrets to a guest that runs on a machine of somebody else.',
        'The host sees every message and every cell of DRAM, so a secret that it passes on in the clear is lost.',
        'The way out starts here: INIT starts the firmware of the AMD-SP, a processor on the same chip that does not take the word of the host.',
      ],
      look: {
        sentence: 'The lanes: everything that crosses the lane of the host must be noise to it.',
        at: { view: 'checks' },
      },
      readers: {
        who: ['guest-owner'],
        sentence: 'The secrets are with the guest owner. Nobody else has them.',
      },
    },
    {
      id: 'trust',
      title: 'The guest owner checks whom it talks to',
      at: { type: 'verdict', name: 'certificates' },
      text: [
        'The host sent certificates, and it may have sent any that it likes.',
        'The guest owner follows the signatures from a root that it has already, the ARK, over ASK, CEK and PEK down to the PDH.',
        'A secret that is agreed with this PDH is known to one AMD-SP and the guest owner only.',
      ],
      look: {
        sentence: 'The step before: the certificates, with KEY_USAGE and signatures in each.',
        at: { view: 'structure', name: 'certificate', of: { type: 'message', name: 'certificates' } },
      },
      readers: {
        who: ['guest-owner'],
        sentence: 'Certificates are public. The secrets have not left the guest owner.',
      },
    },
    {
      id: 'session',
      title: 'Two keys for one launch',
      at: { type: 'message', name: 'session' },
      text: [
        'The guest owner draws two keys: the TEK to encrypt, the TIK to authenticate.',
        'It wraps both with what it agreed with the PDH, and puts the policy of the guest under a MAC.',
        'The host passes the session on. It can use it, and it can neither open nor change it.',
      ],
      look: {
        sentence: 'The session: WRAP_TK is TEK and TIK, encrypted; POLICY_MAC binds the policy.',
        at: { view: 'structure', name: 'session' },
      },
      readers: {
        who: ['guest-owner'],
        sentence: 'TEK and TIK: the guest owner, and soon the AMD-SP. The host has them wrapped.',
      },
    },
    {
      id: 'launch',
      title: 'The image is hashed and encrypted where it lies',
      at: { type: 'command', name: 'LAUNCH_UPDATE_DATA' },
      text: [
        'The host placed the firmware image in memory, in the clear: an image is no secret.',
        'LAUNCH_UPDATE_DATA takes it into the launch digest and encrypts it in place under the memory key of the guest, the VEK.',
        'From here on the cells hold ciphertext. The key is in the memory controller, where no software can read it.',
      ],
      look: {
        sentence: 'The last page of the image: the guest will see code there, the host sees noise.',
        at: { view: 'memory', gpa: '0xfffff000', length: 4096 },
      },
      readers: {
        who: ['guest-owner'],
        sentence: 'The secrets are still with the guest owner.',
      },
    },
    {
      id: 'measure',
      title: 'Is this the launch that was wanted?',
      at: { type: 'verdict', name: 'measurement' },
      text: [
        'LAUNCH_MEASURE answered with an HMAC over the launch digest, the policy and the firmware version, made with the TIK.',
        'The guest owner computes what its own image should give, with the MNONCE of this launch, and compares.',
        'If one bit of the image were another, the answer would be no, and no secret would be sent.',
      ],
      look: {
        sentence: 'The step before: MEASURE and MNONCE, 48 bytes, readable by everybody.',
        at: { view: 'structure', name: 'measurement', of: { type: 'message', name: 'measurement' } },
      },
      readers: {
        who: ['guest-owner'],
        sentence: 'The measurement is public. The secrets have not left the guest owner.',
      },
    },
    {
      id: 'seal',
      title: 'The secrets leave, sealed',
      at: { type: 'message', name: 'packet' },
      text: [
        'The four secrets become one table, each under its GUID.',
        'The guest owner encrypts the table with the TEK, and makes a MAC with the TIK over packet and measurement.',
        'So the packet opens in this launch and in no other. Now the host has it.',
      ],
      look: {
        sentence: 'One byte of a secret: in the table it is plaintext, in the packet it is noise.',
        at: { view: 'journey', guid: SECRET, offset: 0 },
      },
      readers: {
        who: ['guest-owner', 'amd-sp'],
        sentence: 'Who has the TEK: the guest owner and the AMD-SP. The host sees noise.',
      },
    },
    {
      id: 'inject',
      title: 'LAUNCH_SECRET opens the packet inside the guest',
      at: { type: 'command', name: 'LAUNCH_SECRET' },
      text: [
        'The host says where the packet lies and where its content shall go.',
        'The AMD-SP goes through its checks in order, and compares the MAC before it decrypts a byte.',
        'Then it decrypts with the TEK and writes with the VEK.',
        'In DRAM there is noise now, other noise than in the packet.',
      ],
      look: {
        sentence: 'The checks, with their statuses. The first that does not hold would decide.',
        at: { view: 'checks' },
      },
      readers: {
        who: ['guest-owner', 'amd-sp', 'firmware', 'kernel'],
        sentence: 'The guest from now on, by its key. The host reads noise.',
      },
    },
    {
      id: 'firmware',
      title: 'The firmware says where the secrets are',
      at: { type: 'handover' },
      text: [
        'VMRUN started the measured firmware, which reserved the page of the secret area, so that nobody uses it for something else.',
        'It did not read the secrets. It left an entry in the EFI configuration table that leads to base and size of the area.',
        'With that it hands over to the kernel.',
      ],
      look: {
        sentence: 'The memory map: the page at 0x810000 is reserved.',
        at: { view: 'map' },
      },
      readers: {
        who: ['guest-owner', 'amd-sp', 'firmware', 'kernel'],
        sentence: 'All software of this guest. The host reads noise at these addresses.',
      },
    },
    {
      id: 'kernel',
      title: 'The kernel makes a file of each secret',
      at: { type: 'printk', includes: 'Created 4 entries in securityfs secrets/coco' },
      text: [
        'The kernel found the entry, announced a device, and udev loaded the module efi_secret for it.',
        'The driver compared the first 16 bytes of the area with the GUID of a secret table and walked over the entries.',
        'Each became a file below /sys/kernel/security/secrets/coco, named by its GUID.',
      ],
      look: {
        sentence: 'The secret area as host and guest see it, side by side.',
        at: { view: 'memory', gpa: '0x810000', length: 256 },
      },
      readers: {
        who: ['guest-owner', 'amd-sp', 'firmware', 'kernel'],
        sentence: 'The kernel, and whoever it lets: the files are for root.',
      },
    },
    {
      id: 'read',
      title: 'User space reads a secret',
      at: { type: 'shell', includes: 'hd ' },
      text: [
        'hd opens the file and reads it.',
        'The bytes come from the secret area at this moment, through the key of the guest: the kernel keeps no copy.',
        'This is the output that the documentation of the kernel prints.',
      ],
      look: {
        sentence: 'The output, and the way that its first byte came.',
        at: { view: 'journey', guid: SECRET, offset: 0 },
      },
      readers: {
        who: ['guest-owner', 'amd-sp', 'firmware', 'kernel', 'user'],
        sentence: 'A process of root in the guest. On the host it is noise as before.',
      },
    },
    {
      id: 'wipe',
      title: 'rm leaves zeros',
      at: { type: 'shell', includes: 'rm ' },
      text: [
        'rm overwrites the secret with zeros in the memory of the guest, and its GUID as well.',
        'In DRAM there is the ciphertext of zeros now, which looks like any other ciphertext.',
        'Whoever takes over the guest later finds three secrets, and not this one. The last ls of the documentation shows the same.',
      ],
      look: {
        sentence: 'The same bytes once more: zeros to the guest, other noise to the host.',
        at: { view: 'journey', guid: SECRET, offset: 0 },
      },
      readers: {
        who: ['guest-owner'],
        sentence: 'The guest owner has its own copy. In the guest this secret is gone.',
      },
    },
  ],
};
