import { createObserver } from '@sevlab/ambient/observer';
import { utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { DISK_PASSPHRASE_GUID } from '@sevlab/codec/guid';
import { bootKernel } from '@sevlab/guest-kernel-sim/boot';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from '@sevlab/guest-kernel-sim/plain-guest';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { BUILTINS } from '@sevlab/guest-kernel-sim/shell/builtins';
import { PROGRAMS } from '@sevlab/guest-kernel-sim/shell/programs';
import fc from 'fast-check';
import { arbitraryDoor, type Door, holds } from '../door.ts';

const COCO = '/sys/kernel/security/secrets/coco';

function boot(): Kernel {
  const observer = createObserver();
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    const table = encodeSecretTable([{ guid: DISK_PASSPHRASE_GUID, data: utf8('secret') }]);
    context.memory.writePrivate(PLAIN_GUEST.area, table);
    const { bootParams } = PLAIN_GUEST;
    const kernel = bootKernel({ context, bootParams, profile: kernelProfile('6.1'), observer });
    kernel.run('mkdir /tmp/d; echo text > /tmp/a; ln -s a /tmp/b; ln -s d /tmp/e');
    return kernel;
  });
}

/** All but what goes on until it is stopped. */
const name = fc
  .constantFrom(...Object.keys(PROGRAMS), ...Object.keys(BUILTINS))
  .filter((one) => one !== 'yes');
const path = fc.constantFrom(
  ...[
    '/tmp',
    '/tmp/a',
    '/tmp/b',
    '/tmp/d',
    '/tmp/d/x',
    'a',
    'b',
    '.',
    '..',
    '/',
    '""',
    '*',
    '?',
    '~',
    '~nosuch',
  ],
  ...[
    COCO,
    `${COCO}/${DISK_PASSPHRASE_GUID}`,
    `${COCO}/*`,
    '/dev/null',
    '/etc/passwd',
    '/proc/mounts',
    '/proc/self/fd',
  ],
  '/sys/bus/platform/drivers/efi_secret/unbind',
);
const word = fc.constantFrom(
  ...[
    'efi_secret',
    'efi_secret.0',
    'root',
    'user',
    '1000',
    '0:0',
    ':user',
    'user:',
    'securityfs',
    "'x y'",
    'ä',
  ],
  ...[
    '-1',
    '0',
    '5',
    '+2',
    '-5',
    '99999999999999999999',
    'x1z',
    'u8',
    'u+s,g=rwx',
    '0777',
    '%n%%%5s%-3a',
    '^a*$',
  ],
  ...['-', '--', '--help', '--nonsense', '--all=x', '$?', '\\n'],
);
const option = fc.constantFrom(...'ncalRrfpvxtAjNsdiCmLquGFT'.split('').map((letter) => `-${letter}`));
const command = fc
  .tuple(name, fc.array(fc.oneof(path, word, option), { maxLength: 4 }))
  .map(([program, words]) => [program, ...words].join(' '));
const operator = fc.constantFrom(
  ' | ',
  '; ',
  ' && ',
  ' || ',
  ' > /tmp/a ',
  ' >> b ',
  ' < /tmp/a ',
  ' 2>&1 | ',
);
const line = fc
  .array(fc.tuple(command, operator), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.map(([one, between], i) => one + (i < parts.length - 1 ? between : '')).join(''));

/** What somebody types into the guest. */
export const shellDoor: Door = arbitraryDoor<readonly string[]>({
  name: 'shell',
  about: 'lines to the guest’s shell: each ends with an exit status, and leaves no file open',
  ...{ share: 20, chunk: 250, cost: 1500 },
  inputs: () => fc.array(line, { minLength: 1, maxLength: 6 }),
  start: () => (lines) => {
    const kernel = boot();
    const statuses = lines.map((one) => {
      const { status } = kernel.run(one);
      holds(Number.isInteger(status) && status >= 0 && status < 256, 'a line has an exit status', () => one);
      holds(kernel.state.files.size === 0, 'a line leaves no file open', () => one);
      return status;
    });
    return `exit ${statuses.at(-1)}`;
  },
});
