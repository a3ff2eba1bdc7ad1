import type { Exercise } from './exercise.ts';

/** What is alike in all of them. */
const SECRET = `secrets:
  - { guid: 736869e5-84f0-4973-92ec-06879ce3da0b, text: correct horse battery staple }
`;
const VERIFIED = `steps:
  - do: offer
  - do: launch
  - do: measure
  - do: verify
`;
const FILE = '/sys/kernel/security/secrets/coco/736869e5-84f0-4973-92ec-06879ce3da0b';
const READ = `  - shell: cat ${FILE}
    expect: { output: correct horse battery staple }
`;

/** The process read all 28 bytes. */
const isRead = {
  says: 'cat reads the secret, all 28 bytes of it.',
  claim: { there: [{ type: 'syscall', name: 'read', includes: FILE, result: 28 }] },
} as const;

/** Make this launch pass. */
export const EXERCISES: readonly Exercise[] = [
  {
    id: 'padding',
    title: 'A packet that is too short',
    task: [
      'A host delivers the packet itself, with a LAUNCH_SECRET of its own.',
      'It thinks that the padding at the end of the data is not worth sending, and the AMD-SP answers INVALID_LENGTH.',
      'Let the packet open.',
    ],
    start: `version: 1
title: A packet that is too short
${SECRET}${VERIFIED}  - do: seal
  - attack: { keep: { from: packet.data, length: 68, as: data } } # the table has 68 bytes
  - attack:
      command: LAUNCH_SECRET
      fields:
        handle: guest.handle
        hdrPaddr: { from: packet.header }
        guestPaddr: { gpa: "0x810000" }
        guestLen: 68
        transPaddr: { from: data } # TRANS_LEN is its length
  - do: finish
  - do: boot
${READ}`,
    hints: [
      'Look at the checks of LAUNCH_SECRET: which one decided?',
      'GUEST_LEN must be a multiple of 16, and TRANS_LEN must equal it. The next multiple after 68 is the length of the data that the guest owner sent.',
      'The MAC covers all of the data, so all of it must come: keep it without a length, and set guestLen to 80.',
    ],
    repairs: [
      { find: 'from: packet.data, length: 68, as', put: 'from: packet.data, as' },
      { find: 'guestLen: 68', put: 'guestLen: 80' },
    ],
    conditions: [
      {
        says: 'LAUNCH_SECRET answers SUCCESS.',
        claim: { there: [{ type: 'status', name: 'LAUNCH_SECRET', status: 'SUCCESS' }] },
      },
      isRead,
    ],
  },
  {
    id: 'policy',
    title: 'A policy that is not that of the session',
    task: [
      'The guest owner made a session for one policy, and the host launches with another: LAUNCH_START answers BAD_MEASUREMENT.',
      'Let the launch pass. The host must still not be able to debug the guest.',
    ],
    start: `version: 1
title: A policy that is not that of the session
policy: [NODBG, NOKS, NOSEND] # what the guest owner wants
${SECRET}steps:
  - do: offer
  - attack: { policy: [NODBG, NOKS] } # what the host puts into LAUNCH_START
  - do: launch
  - do: measure
  - do: verify
  - do: seal
  - do: inject
  - attack:
      command: DBG_DECRYPT
      fields:
        { handle: guest.handle, srcPaddr: { gpa: "0x810000" }, dstPaddr: { room: 80, as: dump }, length: 80 }
    expect: { status: POLICY_FAILURE }
  - do: finish
  - do: boot
${READ}`,
    hints: [
      'POLICY_MAC in the session is made over the policy that the guest owner wants.',
      'Compare the two lists of policy flags.',
      'The flag NOSEND is missing in what the host puts into LAUNCH_START.',
    ],
    repairs: [{ find: 'policy: [NODBG, NOKS] }', put: 'policy: [NODBG, NOKS, NOSEND] }' }],
    conditions: [
      {
        says: 'LAUNCH_START answers SUCCESS.',
        claim: { there: [{ type: 'status', name: 'LAUNCH_START', status: 'SUCCESS' }] },
      },
      {
        says: 'DBG_DECRYPT answers POLICY_FAILURE.',
        claim: {
          there: [{ type: 'status', name: 'DBG_DECRYPT', status: 'POLICY_FAILURE' }],
          nowhere: [{ type: 'status', name: 'DBG_DECRYPT', status: 'SUCCESS' }],
        },
      },
      isRead,
    ],
  },
  {
    id: 'kernel-hashes',
    title: 'A kernel without hashes',
    task: [
      'The host gives a kernel to a firmware that verifies what it is given.',
      'The firmware finds no hashes in measured memory, and does not go on.',
      'Let the kernel start, and let it be verified.',
    ],
    start: `version: 1
title: A kernel without hashes
kernel: { emulated: true, commandLine: console=ttyS0 }
kernelHashes: false
firmware: { layout: "202405" }
${SECRET}${VERIFIED}  - do: seal
  - do: inject
  - do: finish
  - do: boot
${READ}`,
    hints: [
      'What does the firmware say of the kernel before it stops?',
      'The hashes come from the host, which measures them, and the guest owner expects them in the measurement.',
      'kernelHashes is what QEMU calls kernel-hashes=on. A firmware without a verifier would start the kernel too, unverified.',
    ],
    repairs: [{ find: 'kernelHashes: false', put: 'kernelHashes: true' }],
    conditions: [
      {
        says: 'The firmware takes kernel and command line as verified.',
        claim: {
          there: [
            { type: 'boot-blob', name: 'cmdline', outcome: 'verified' },
            { type: 'boot-blob', name: 'kernel', outcome: 'verified' },
          ],
        },
      },
      isRead,
    ],
  },
  {
    id: 'wipe',
    title: 'A guest that leaves its secret behind',
    task: [
      'An application reads its secret. Then the guest is rebooted, and the secret is still there for whatever runs next.',
      'Let the second kernel find none. The application must have read it before.',
    ],
    start: `version: 1
title: A guest that leaves its secret behind
linux: "6.1"
${SECRET}${VERIFIED}  - do: seal
  - do: inject
  - do: finish
  - do: boot
${READ}  - do: reset
  - do: boot
  - check: { dmesg: Created 0 entries in securityfs secrets/coco }
`,
    hints: [
      'Neither firmware nor AMD-SP clears the secret area.',
      'Deleting the file is what writes zeros over the secret in guest memory.',
      'Put a step behind cat: shell, with rm and the path of the file.',
    ],
    repairs: [
      {
        find: 'staple }\n  - do: reset',
        put: `staple }\n  - shell: rm ${FILE}\n  - do: reset`,
      },
    ],
    conditions: [
      isRead,
      {
        says: 'The file is deleted, and the kernel after the reboot creates 0 entries.',
        claim: {
          there: [
            { type: 'syscall', name: 'unlink', includes: FILE, result: 0 },
            { type: 'handover' },
            { type: 'printk', includes: 'Created 0 entries in securityfs secrets/coco' },
          ],
        },
      },
    ],
  },
  {
    id: 'reserve',
    title: 'An area that nobody reserved',
    task: [
      'This firmware has a secret area of a whole page, and the driver cannot map it: error -12.',
      'Let the driver find the secret where it is.',
    ],
    start: `version: 1
title: An area that nobody reserved
firmware:
  layout: "202405"
  reservesArea: false
  secretArea: { base: "0x810000", size: 4096 }
${SECRET}${VERIFIED}  - do: seal
  - do: inject
  - do: finish
  - do: boot
${READ}`,
    hints: [
      'The kernel logs its memory map before anything else. What does it say of the page at 0x810000?',
      'The kernel does not map RAM of its own a second time: it says so in its log.',
      'SecretPei is the part of the firmware that reserves the area. Here it is switched off.',
    ],
    repairs: [{ find: 'reservesArea: false', put: 'reservesArea: true' }],
    conditions: [
      {
        says: 'The page at 0x810000 is reserved in the map of the kernel.',
        claim: {
          there: [
            { type: 'printk', includes: '[mem 0x0000000000810000-0x0000000000810fff] reserved' },
            { type: 'printk', includes: 'Created 1 entries in securityfs secrets/coco' },
          ],
        },
      },
      isRead,
    ],
  },
  {
    id: 'address',
    title: 'An address of another firmware',
    task: [
      'A script of the host has the address of the secret area written down, from an older edk2.',
      'LAUNCH_SECRET answers SUCCESS, and in the guest there is no secret.',
      'Let the secret arrive.',
    ],
    start: `version: 1
title: An address of another firmware
firmware: { layout: "202405" }
${SECRET}${VERIFIED}  - do: seal
  - do: inject
    at: "0x80f000"
  - do: finish
  - do: boot
${READ}`,
    hints: [
      'Nothing in the launch checks the address: it is not under the MAC of the packet.',
      'Where does the firmware of this scenario want its secrets? The hand-over tells base and size of the area.',
      'Without an address, the host looks it up in the image.',
    ],
    repairs: [{ find: '    at: "0x80f000"\n', put: '' }],
    conditions: [
      {
        says: 'The driver creates one entry.',
        claim: { there: [{ type: 'printk', includes: 'Created 1 entries in securityfs secrets/coco' }] },
      },
      isRead,
    ],
  },
  {
    id: 'debugging',
    title: 'A door that the policy leaves open',
    task: [
      'The host reads the secret with DBG_DECRYPT, and the policy of this guest has nothing against it.',
      'Let the AMD-SP refuse.',
    ],
    start: `version: 1
title: A door that the policy leaves open
policy: [NOKS, NOSEND]
${SECRET}${VERIFIED}  - do: seal
  - do: inject
  - attack:
      command: DBG_DECRYPT
      fields:
        { handle: guest.handle, srcPaddr: { gpa: "0x810000" }, dstPaddr: { room: 80, as: dump }, length: 80 }
    expect: { status: POLICY_FAILURE }
  - do: finish
  - do: boot
${READ}`,
    hints: [
      'Which check of DBG_DECRYPT could have decided otherwise?',
      'The policy is the choice of the guest owner. One flag of it is about debugging.',
    ],
    repairs: [{ find: 'policy: [NOKS, NOSEND]', put: 'policy: [NODBG, NOKS, NOSEND]' }],
    conditions: [
      {
        says: 'DBG_DECRYPT answers POLICY_FAILURE, and never SUCCESS.',
        claim: {
          there: [{ type: 'status', name: 'DBG_DECRYPT', status: 'POLICY_FAILURE' }],
          nowhere: [{ type: 'status', name: 'DBG_DECRYPT', status: 'SUCCESS' }],
        },
      },
      isRead,
    ],
  },
];
