import { createObserver } from '@sevlab/ambient/observer';
import { utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bootKernel } from './boot.ts';
import type { Kernel } from './kernel.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';
import { BUILTINS } from './shell/builtins.ts';
import { PROGRAMS } from './shell/programs.ts';

const COCO = '/sys/kernel/security/secrets/coco';
const guid = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');

function boot(): Kernel {
  const observer = createObserver();
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    context.memory.writePrivate(PLAIN_GUEST.area, encodeSecretTable([{ guid, data: utf8('secret') }]));
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
  ...[COCO, `${COCO}/${guid}`, `${COCO}/*`, '/dev/null', '/etc/passwd', '/proc/mounts', '/proc/self/fd'],
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

it('any command line ends, and leaves no file open', () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
      const kernel = boot();
      for (const one of lines) {
        expect(kernel.run(one).status).toBeLessThan(256);
        expect(kernel.state.files.size).toBe(0);
      }
    }),
  );
});
