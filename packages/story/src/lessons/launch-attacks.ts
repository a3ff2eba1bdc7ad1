import { UNNOTICED } from './claim.ts';
import type { AttackLesson } from './lesson.ts';

/** What a host can try before the guest runs. */
export const LAUNCH_ATTACKS: readonly AttackLesson[] = [
  {
    id: 'kernel-swapped',
    title: 'Another kernel command line',
    scenario: 'attacks/a09-kernel-unmeasured',
    remedied: 'attacks/a09-kernel-exchanged',
    situation: [
      'The guest owner wants its kernel to start with the command line console=ttyS0.',
      'The host gives kernel, initrd and command line to the firmware through fw_cfg, a device of the host.',
      'Hashes of the three were not measured: kernel-hashes is off, as it is unless somebody asks for it.',
      'The host offers init=/bin/sh in the place of the command line.',
    ],
    upTo: { type: 'attack', name: 'fwCfg' },
    question: 'Who notices the other command line?',
    predictions: [
      {
        id: 'measure',
        text: 'The guest owner: the measurement is another one.',
        reply: 'The measurement covers what LAUNCH_UPDATE_DATA was given. The command line was not among it.',
      },
      {
        id: 'firmware',
        text: 'The firmware: it compares the command line with a hash.',
        reply: 'It would, had it measured hashes to compare with. Here it has none, and takes what it gets.',
      },
      {
        id: 'nobody',
        text: 'Nobody. The guest starts and gets its secret.',
        reply: 'The launch digest is the same for any kernel and any command line.',
      },
      {
        id: 'sp',
        text: 'The AMD-SP: LAUNCH_SECRET fails.',
        reply:
          'LAUNCH_SECRET looks at the packet and the launch. What the device will give later is in neither.',
      },
    ],
    right: 'nobody',
    reveal: {
      caughtBy: 'nobody',
      clause: 'QEMU, target/i386/sev.c; OvmfPkg/AmdSev, BlobVerifierLibSevHashes',
      text: [
        'The guest owner accepted the measurement, since the image was the right one.',
        'The firmware took the command line of the host as unverified and started the kernel with it.',
        'The secret is in the hands of a shell that the host asked for.',
      ],
      remedy:
        'kernel-hashes=on: the host measures the hashes, the guest owner expects them, and the firmware compares.',
      at: { type: 'boot-blob', name: 'cmdline' },
      look: { view: 'checks' },
      claim: {
        there: [
          { type: 'attack', name: 'fwCfg' },
          { type: 'verdict', name: 'measurement', accepted: true },
          { type: 'status', name: 'LAUNCH_SECRET', status: 'SUCCESS' },
          { type: 'boot-blob', name: 'cmdline', outcome: 'unverified' },
          { type: 'printk', includes: 'Created 1 entries in securityfs secrets/coco' },
        ],
        nowhere: UNNOTICED,
      },
    },
  },
  {
    id: 'policy-flipped',
    title: 'One bit of the policy',
    scenario: 'attacks/a16-weaker-policy',
    remedied: 'kernel-documentation',
    situation: [
      'The guest owner made a session for a guest whose policy has NODBG and NOKS.',
      'NODBG keeps the host from asking the AMD-SP to decrypt the memory of the guest.',
      'The policy is a field of the command buffer of LAUNCH_START, which the host writes.',
      'The host clears the bit of NODBG and hands over the session as it came.',
    ],
    upTo: { type: 'attack', name: 'policy' },
    question: 'What does LAUNCH_START answer?',
    predictions: [
      {
        id: 'success',
        text: 'SUCCESS. The guest owner sees the policy in the measurement later.',
        reply: 'The policy is in the measurement as well. But with a session it is looked at earlier.',
      },
      {
        id: 'policy',
        text: 'POLICY_FAILURE: the platform does not allow debugging.',
        reply:
          'POLICY_FAILURE is for a policy that asks for what the platform has not. Debugging is allowed to be allowed.',
      },
      {
        id: 'mac',
        text: 'BAD_MEASUREMENT: POLICY_MAC in the session is for another policy.',
        reply: 'POLICY_MAC is an HMAC over the policy under the TIK, which the host does not have.',
      },
    ],
    right: 'mac',
    reveal: {
      caughtBy: 'amd-sp',
      check: 'POLICY_MAC matches',
      clause: '55766, LAUNCH_START',
      text: [
        'LAUNCH_START answered BAD_MEASUREMENT, and no guest came to be.',
        'The AMD-SP unwrapped the TIK, computed the MAC over the policy of the command buffer, and got another one than the session has.',
        'A host that leaves the session out may choose any policy. Then TIK and TEK are not those of the guest owner, who sees it by the measurement.',
      ],
      remedy: 'Nothing more is needed.',
      at: { type: 'precondition', name: 'LAUNCH_START', held: false },
      look: { view: 'checks' },
      claim: {
        there: [
          {
            type: 'precondition',
            name: 'LAUNCH_START',
            condition: 'POLICY_MAC matches',
            held: false,
            status: 'BAD_MEASUREMENT',
          },
          { type: 'status', name: 'LAUNCH_START', status: 'BAD_MEASUREMENT' },
        ],
        nowhere: [
          { type: 'key', installed: true },
          { type: 'message', name: 'packet' },
        ],
      },
    },
  },
  {
    id: 'debugger-left-open',
    title: 'A policy that allows debugging',
    scenario: 'attacks/a12-debugger',
    remedied: 'lessons/debugging-refused',
    situation: [
      'The guest owner made the policy itself, and forgot NODBG.',
      'Certificates, session, measurement, packet: everything is as it should be, and LAUNCH_SECRET wrote the secret under the VEK.',
      'The guest has not started yet. The host issues DBG_DECRYPT on the secret area.',
    ],
    upTo: { type: 'attack', name: 'DBG_DECRYPT' },
    question: 'What does the host get?',
    predictions: [
      {
        id: 'noise',
        text: 'Ciphertext: the host has no key.',
        reply: 'The host has none. It asks somebody who has: the AMD-SP.',
      },
      {
        id: 'refused',
        text: 'Nothing: DBG_DECRYPT is refused while a launch is under way.',
        reply: 'The state of the guest does not matter to DBG_DECRYPT. The policy does.',
      },
      {
        id: 'plain',
        text: 'The secret, in the clear, in memory of the host.',
        reply: 'DBG_DECRYPT gives any block of a guest whose policy does not forbid it.',
      },
    ],
    right: 'plain',
    reveal: {
      caughtBy: 'nobody',
      clause: '55766, DBG_DECRYPT',
      text: [
        'DBG_DECRYPT answered SUCCESS, and the secret lies in the clear where the host wanted it.',
        'Nobody was deceived: the policy is in the measurement, and the guest owner accepted it.',
      ],
      remedy: 'NODBG in the policy. Then DBG_DECRYPT answers POLICY_FAILURE.',
      at: { type: 'command', name: 'DBG_DECRYPT' },
      look: { view: 'journey', guid: '736869e5-84f0-4973-92ec-06879ce3da0b', offset: 0 },
      claim: {
        there: [
          { type: 'status', name: 'LAUNCH_SECRET', status: 'SUCCESS' },
          { type: 'status', name: 'DBG_DECRYPT', status: 'SUCCESS' },
        ],
        nowhere: UNNOTICED,
      },
    },
  },
];
