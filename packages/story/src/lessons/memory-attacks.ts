import { UNNOTICED } from './claim.ts';
import type { AttackLesson } from './lesson.ts';

const SECRET = '736869e5-84f0-4973-92ec-06879ce3da0b';

/** What a host can do to the memory of a guest, and what a guest can leave there. */
export const MEMORY_ATTACKS: readonly AttackLesson[] = [
  {
    id: 'ciphertext-replayed',
    title: 'Old ciphertext comes back',
    scenario: 'attacks/a10-replayed-ciphertext',
    situation: [
      'The guest has its secret. The host copies the cells of the secret page, which are noise to it.',
      'The guest deletes the secret with rm: zeros over the data, and over its GUID.',
      'The host puts the old cells back where they were.',
      'Then the module efi_secret is removed and loaded again.',
    ],
    upTo: { type: 'attack', name: 'restore' },
    question: 'What does the driver find?',
    predictions: [
      {
        id: 'zeros',
        text: 'Zeros: the guest wiped the secret.',
        reply: 'It did. But what it wiped are cells, and the host may write cells.',
      },
      {
        id: 'noise',
        text: 'Noise: the cells do not belong to the present state of memory.',
        reply: 'Encryption knows no state. It knows key and address.',
      },
      {
        id: 'secret',
        text: 'The secret, as if it had never been deleted.',
        reply: 'The same cells at the same sPA under the same key give the same plaintext.',
      },
      {
        id: 'fault',
        text: 'The machine stops: the memory controller notices the change.',
        reply: 'The memory encryption of SEV has no integrity check.',
      },
    ],
    right: 'secret',
    reveal: {
      caughtBy: 'nobody',
      clause: 'APM volume 2, Secure Encrypted Virtualization',
      text: [
        'The driver made one file again, and its content is the secret that was deleted.',
        'The host never learned it. It only turned back the time of one page.',
      ],
      remedy:
        'Memory with integrity: in SEV-SNP the reverse map table keeps the host from writing to private pages.',
      at: { type: 'attack', name: 'restore' },
      look: { view: 'journey', guid: SECRET, offset: 0 },
      claim: {
        there: [
          { type: 'attack', name: 'save' },
          { type: 'syscall', name: 'unlink', result: 0 },
          { type: 'attack', name: 'restore' },
          { type: 'printk', includes: 'Created 1 entries in securityfs secrets/coco' },
        ],
        nowhere: UNNOTICED,
      },
    },
  },
  {
    id: 'ciphertext-moved',
    title: 'Ciphertext goes to another place',
    scenario: 'lessons/ciphertext-moved',
    situation: [
      'The secret says user=alice, group=users, limit=100 euros. Its bytes lie in blocks of 16.',
      'The host cannot read the blocks, but it may write cells.',
      'It copies the cells of one block over those of the next, so that both are alike in DRAM.',
    ],
    upTo: { type: 'attack', name: 'restore' },
    question: 'What does the guest read in the block that was written over?',
    predictions: [
      {
        id: 'copy',
        text: 'The same 16 bytes twice.',
        reply: 'The cells are the same. The plaintext is not, since the place is another.',
      },
      {
        id: 'noise',
        text: '16 bytes of noise, and the rest of the secret as it was.',
        reply:
          'The tweak of the encryption is made of the sPA, so a block is worth nothing at another place.',
      },
      {
        id: 'all',
        text: 'Noise everywhere: the secret is one ciphertext.',
        reply: 'Each block of 16 bytes is encrypted by itself.',
      },
      {
        id: 'error',
        text: 'Nothing: reading the file fails.',
        reply: 'For the kernel these are bytes like others. Nothing tells it that they were changed.',
      },
    ],
    right: 'noise',
    reveal: {
      caughtBy: 'nobody',
      clause: 'APM volume 2, Secure Encrypted Virtualization',
      text: [
        'hd printed the secret with 16 bytes of noise at its end, and status 0.',
        'The host can spoil a block, and cannot choose what comes out.',
        'Nobody noticed: a program that does not check its secret goes on with the noise.',
      ],
      remedy:
        'A secret that the program can check, such as one with a MAC of its own; memory with integrity, as in SEV-SNP.',
      at: { type: 'shell', includes: 'hd ' },
      look: { view: 'memory', gpa: '0x810028', length: 40 },
      claim: {
        there: [
          { type: 'attack', name: 'restore' },
          { type: 'syscall', name: 'read', result: 40 },
          { type: 'shell', includes: 'hd ', status: 0 },
        ],
        nowhere: UNNOTICED,
      },
    },
  },
  {
    id: 'area-not-reserved',
    title: 'An area that nobody reserved',
    scenario: 'faults/unreserved-part-of-page',
    remedied: 'kernel-documentation',
    situation: [
      'This firmware announces the secret area and publishes it for the kernel.',
      'It forgets to reserve the page, so the memory map says that it is free.',
      'The area has 3072 bytes, less than a page.',
    ],
    upTo: { type: 'handover' },
    question: 'What does the driver say when it wants to map the area?',
    predictions: [
      {
        id: 'refused',
        text: 'Nothing comes of it: the kernel does not map its own RAM a second time.',
        reply: 'So it is for an area of a whole page. The kernel counts RAM in whole pages when it looks.',
      },
      {
        id: 'works',
        text: 'It works: one entry, one file.',
        reply: 'It works now. The page is on the list of free memory.',
      },
      {
        id: 'firmware',
        text: 'The kernel does not come so far: the firmware stops.',
        reply: 'The firmware does not check whether it reserved what it published.',
      },
    ],
    right: 'works',
    reveal: {
      caughtBy: 'nobody',
      clause: 'arch/x86/kernel/e820.c',
      text: [
        'The driver created one entry, and the secret can be read.',
        'In the map of the kernel the page is usable RAM. The first who gets this page writes over the secret, or finds it.',
        'A test that reads the secret right after the boot does not notice.',
      ],
      remedy: 'A firmware that reserves the area, as SecretPei in OVMF does; a look at the memory map.',
      at: { type: 'printk', includes: 'BIOS-e820: [mem 0x0000000000100000-' },
      look: { view: 'map' },
      claim: {
        there: [
          { type: 'handover' },
          { type: 'printk', includes: 'BIOS-e820: [mem 0x0000000000100000-0x000000001f4eefff] usable' },
          { type: 'printk', includes: 'Created 1 entries in securityfs secrets/coco' },
        ],
        nowhere: UNNOTICED,
      },
    },
  },
  {
    id: 'secret-left',
    title: 'A secret that stays after use',
    scenario: 'attacks/a21-secret-stays-in-memory',
    remedied: 'kernel-documentation',
    situation: [
      'An application got its secret and left the file where it is.',
      'The guest is rebooted. The host keeps memory and key, and the firmware starts from its beginning.',
      'Whatever runs after the reboot runs in the same guest.',
    ],
    upTo: { type: 'vmrun', nth: 2 },
    question: 'What does the second kernel find in the secret area?',
    predictions: [
      {
        id: 'nothing',
        text: 'Nothing: a reboot clears memory.',
        reply: 'Nobody clears it: not the firmware, not the AMD-SP, not the host.',
      },
      {
        id: 'noise',
        text: 'Noise: the guest gets a new key.',
        reply: 'The key comes with ACTIVATE, and that was in the launch. A reboot has none.',
      },
      {
        id: 'secret',
        text: 'The secret, as the first one did.',
        reply: 'Only rm wipes a secret: it is the guest that has to do it.',
      },
    ],
    right: 'secret',
    reveal: {
      caughtBy: 'nobody',
      clause: 'Linux, drivers/virt/coco/efi_secret/efi_secret.c',
      text: [
        'The second kernel created one entry again.',
        'Then somebody typed rm, the guest was rebooted once more, and the third kernel created 0 entries.',
      ],
      remedy: 'An application that deletes its secret after use, which writes zeros over it.',
      at: { type: 'printk', includes: 'Created 1 entries in securityfs secrets/coco', nth: 2 },
      look: { view: 'journey', guid: SECRET, offset: 0 },
      claim: {
        there: [
          { type: 'printk', includes: 'Created 1 entries in securityfs secrets/coco' },
          { type: 'vmrun' },
          { type: 'printk', includes: 'Created 1 entries in securityfs secrets/coco' },
          { type: 'syscall', name: 'unlink', result: 0 },
          { type: 'printk', includes: 'Created 0 entries in securityfs secrets/coco' },
        ],
        nowhere: UNNOTICED,
      },
    },
  },
];
