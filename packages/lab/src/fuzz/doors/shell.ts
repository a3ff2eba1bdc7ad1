import { createObserver } from '@sevlab/ambient/observer';
import { utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { DISK_PASSPHRASE_GUID } from '@sevlab/codec/guid';
import { bootKernel } from '@sevlab/guest-kernel-sim/boot';
import { Pipe } from '@sevlab/guest-kernel-sim/coreutils/streams';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from '@sevlab/guest-kernel-sim/plain-guest';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { BUILTINS } from '@sevlab/guest-kernel-sim/shell/builtins';
import { startJob } from '@sevlab/guest-kernel-sim/shell/job';
import { INTERRUPTED_STATUS } from '@sevlab/guest-kernel-sim/shell/limits';
import { PROGRAMS } from '@sevlab/guest-kernel-sim/shell/programs';
import { Screen } from '@sevlab/guest-kernel-sim/shell/screen';
import { createSession } from '@sevlab/guest-kernel-sim/shell/session';
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

/** Who appends to what he reads goes on until the disk is full. Turns of a line; then it is ended as by ^C. */
const TURNS = 512;

/** Runs a line as long as it may take. Its exit status; undefined when it was ended. */
function type(kernel: Kernel, text: string): number | undefined {
  const io = { stdin: Pipe.empty(), screen: new Screen(), interactive: false };
  const { work } = startJob(kernel, createSession(), text, io);
  for (let turn = 0; turn < TURNS; turn++) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
  work.return(INTERRUPTED_STATUS);
  return undefined;
}

/** What somebody types into the guest. */
export const shellDoor: Door = arbitraryDoor<readonly string[]>({
  name: 'shell',
  about:
    'lines to the guest’s shell: each ends with an exit status or when it is ended, and leaves no file open',
  ...{ share: 10, chunk: 250, cost: 5500 },
  inputs: () => fc.array(line, { minLength: 1, maxLength: 6 }),
  start: () => (lines) => {
    const kernel = boot();
    const statuses = lines.map((one) => {
      const status = type(kernel, one);
      const isStatus = Number.isInteger(status) && status !== undefined && status >= 0 && status < 256;
      holds(isStatus || status === undefined, 'a line has an exit status', () => one);
      holds(kernel.state.files.size === 0, 'a line leaves no file open', () => one);
      return status;
    });
    return `exit ${statuses.at(-1) ?? 'when ended'}`;
  },
});
