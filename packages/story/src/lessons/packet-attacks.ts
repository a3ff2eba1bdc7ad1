import { UNNOTICED } from './claim.ts';
import type { AttackLesson } from './lesson.ts';

/** What a host can try with a packet. */
export const PACKET_ATTACKS: readonly AttackLesson[] = [
  {
    id: 'packet-replayed',
    title: 'The packet of another launch',
    scenario: 'attacks/a06-packet-replayed',
    remedied: 'kernel-documentation',
    situation: [
      'A launch was verified, and its packet was opened. The host kept the packet.',
      'The host launches a second guest with the same session, so TEK and TIK are the same.',
      'The image of the second guest has a back door in it. The host does not ask the guest owner about it.',
      'It hands the kept packet to LAUNCH_SECRET.',
    ],
    upTo: { type: 'status', name: 'LAUNCH_MEASURE', nth: 2 },
    question: 'Does the packet open in the second guest?',
    predictions: [
      {
        id: 'opens',
        text: 'Yes. The keys are the same, so the MAC is right.',
        reply: 'The MAC is made with the same key, but over something that is different.',
      },
      {
        id: 'used',
        text: 'No. The AMD-SP remembers that the packet was used.',
        reply: 'It remembers no packets. In the first launch the same packet would open again and again.',
      },
      {
        id: 'bound',
        text: 'No. The MAC covers the measurement, and this launch has another.',
        reply: 'The measurement is under the MAC of the packet, and each has a nonce of its own.',
      },
    ],
    right: 'bound',
    reveal: {
      caughtBy: 'amd-sp',
      check: 'MAC matches',
      clause: '55766, LAUNCH_SECRET',
      text: [
        'LAUNCH_SECRET answered SUCCESS in the first launch and BAD_MEASUREMENT in the second.',
        'The packet is bound to one launch by MEASURE. The same image would not help: MNONCE is drawn anew.',
        'Firmware before API 0.17 had no such term, and there the packet opens.',
      ],
      remedy: 'Nothing more is needed; a guest owner can ask for a version of the firmware in the policy.',
      at: { type: 'precondition', name: 'LAUNCH_SECRET', held: false },
      look: { view: 'checks' },
      claim: {
        there: [
          { type: 'status', name: 'LAUNCH_SECRET', status: 'SUCCESS' },
          { type: 'status', name: 'LAUNCH_MEASURE', status: 'SUCCESS' },
          {
            type: 'precondition',
            name: 'LAUNCH_SECRET',
            condition: 'MAC matches',
            held: false,
            status: 'BAD_MEASUREMENT',
          },
          { type: 'status', name: 'LAUNCH_SECRET', status: 'BAD_MEASUREMENT' },
        ],
        nowhere: [{ type: 'message', name: 'packet', nth: 2 }],
      },
    },
  },
  {
    id: 'mac-forged',
    title: 'A MAC that was made up',
    scenario: 'lessons/mac-forged',
    remedied: 'kernel-documentation',
    situation: [
      'The packet has a header of 52 bytes: FLAGS, IV and MAC.',
      'The host changes one bit of MAC and hands the packet over.',
      'The host looks at the cells of the secret area before and after.',
    ],
    upTo: { type: 'attack', name: 'packet' },
    question: 'What happens in the memory of the guest?',
    predictions: [
      {
        id: 'noise',
        text: 'The secret is written, with one bit that is wrong.',
        reply: 'The bit is in MAC, not in the data. And nothing is decrypted before the MAC was compared.',
      },
      {
        id: 'nothing',
        text: 'Nothing: the MAC is compared first, and the cells stay as they are.',
        reply: 'The AMD-SP goes through its checks before it writes.',
      },
      {
        id: 'zeros',
        text: 'The secret area is cleared, and LAUNCH_SECRET answers an error.',
        reply: 'A command that fails leaves guest memory alone.',
      },
      {
        id: 'guest',
        text: 'The whole launch has failed: the guest cannot be used any more.',
        reply: 'The guest stays where it was. The right packet still opens.',
      },
    ],
    right: 'nothing',
    reveal: {
      caughtBy: 'amd-sp',
      check: 'MAC matches',
      clause: '55766, LAUNCH_SECRET',
      text: [
        'LAUNCH_SECRET answered BAD_MEASUREMENT, and the cells are the same as before.',
        'Then the host handed over the packet as it had come, and LAUNCH_SECRET answered SUCCESS.',
        'A host can keep a packet back. It cannot make another one of it.',
      ],
      remedy: 'Nothing more is needed.',
      at: { type: 'precondition', name: 'LAUNCH_SECRET', held: false },
      look: { view: 'structure', name: 'packet-header' },
      claim: {
        there: [
          {
            type: 'precondition',
            name: 'LAUNCH_SECRET',
            condition: 'MAC matches',
            held: false,
            status: 'BAD_MEASUREMENT',
          },
          { type: 'status', name: 'LAUNCH_SECRET', status: 'BAD_MEASUREMENT' },
          { type: 'status', name: 'LAUNCH_SECRET', status: 'SUCCESS' },
          { type: 'printk', includes: 'Created 1 entries in securityfs secrets/coco' },
        ],
      },
    },
  },
  {
    id: 'wrong-tik',
    title: 'A packet that the host made',
    scenario: 'lessons/wrong-tik',
    remedied: 'kernel-documentation',
    situation: [
      'The host wants the guest to trust a secret that the host made up.',
      'How a packet is made is no secret, and the host knows the measurement that goes under the MAC.',
      'It has no TEK and no TIK, so it takes keys of zeros for both and makes a packet with them.',
    ],
    upTo: { type: 'attack', name: 'LAUNCH_SECRET' },
    question: 'Does the packet open?',
    predictions: [
      {
        id: 'garbage',
        text: 'Yes, but the guest finds noise, since the TEK is another.',
        reply: 'It does not come to decryption: the MAC is made with the TIK, and compared first.',
      },
      {
        id: 'opens',
        text: 'Yes. Everything in the packet is as it should be.',
        reply: 'All but the keys. The AMD-SP has those of the session.',
      },
      {
        id: 'refused',
        text: 'No: the MAC is not the one that the TIK of the session gives.',
        reply: 'Only who has the TIK can make a packet for this guest.',
      },
    ],
    right: 'refused',
    reveal: {
      caughtBy: 'amd-sp',
      check: 'MAC matches',
      clause: '55766, LAUNCH_SECRET',
      text: [
        'LAUNCH_SECRET answered BAD_MEASUREMENT. The status is the same as for a packet of another launch: the AMD-SP cannot tell why a MAC does not match.',
        'The packet of the guest owner came afterwards, and LAUNCH_SECRET answered SUCCESS.',
        'Where no session was given at all, TEK and TIK are zeros, and the packet of the host would open.',
      ],
      remedy: 'Nothing more is needed, as long as the guest owner made the session.',
      at: { type: 'precondition', name: 'LAUNCH_SECRET', held: false },
      look: { view: 'checks' },
      claim: {
        there: [
          { type: 'attack', name: 'forgePacket' },
          {
            type: 'precondition',
            name: 'LAUNCH_SECRET',
            condition: 'MAC matches',
            held: false,
            status: 'BAD_MEASUREMENT',
          },
          { type: 'status', name: 'LAUNCH_SECRET', status: 'BAD_MEASUREMENT' },
          { type: 'message', name: 'packet' },
          { type: 'status', name: 'LAUNCH_SECRET', status: 'SUCCESS' },
        ],
      },
    },
  },
  {
    id: 'another-address',
    title: 'The secret goes to another address',
    scenario: 'attacks/a03-wrong-address',
    remedied: 'kernel-documentation',
    situation: [
      'The firmware announces the secret area at GPA 0x810000.',
      'The host has a packet that it can neither read nor change.',
      'In the command buffer of LAUNCH_SECRET it lets GUEST_PADDR lead to GPA 0x3000000.',
    ],
    upTo: { type: 'message', name: 'packet' },
    question: 'What does LAUNCH_SECRET answer?',
    predictions: [
      {
        id: 'address',
        text: 'INVALID_ADDRESS: this is not the secret area.',
        reply: 'The AMD-SP does not know where the firmware wants its secrets.',
      },
      {
        id: 'mac',
        text: 'BAD_MEASUREMENT: the address is under the MAC.',
        reply: 'FLAGS, IV, lengths, data and measurement are under the MAC. The address is not.',
      },
      {
        id: 'success',
        text: 'SUCCESS. The secret is in the guest, where nobody looks.',
        reply: 'The host chooses the place.',
      },
    ],
    right: 'success',
    reveal: {
      caughtBy: 'nobody',
      clause: '55766, LAUNCH_SECRET',
      text: [
        'LAUNCH_SECRET answered SUCCESS, and the plaintext lies at GPA 0x3000000 under the key of the guest.',
        'The kernel looked at 0x810000, found no table there, and made no folder: ls answers with status 2.',
        'The host learned nothing. It kept the guest from its secret, and it could have aimed at code.',
      ],
      remedy: 'A target address under the MAC of the packet; a guest that does not work without its secret.',
      at: { type: 'command', name: 'LAUNCH_SECRET' },
      look: { view: 'journey', guid: '736869e5-84f0-4973-92ec-06879ce3da0b', offset: 0 },
      claim: {
        there: [
          { type: 'status', name: 'LAUNCH_SECRET', status: 'SUCCESS' },
          { type: 'shell', command: 'ls /sys/kernel/security/secrets', status: 2 },
        ],
        nowhere: [...UNNOTICED, { type: 'printk', includes: 'Created' }],
      },
    },
  },
];
