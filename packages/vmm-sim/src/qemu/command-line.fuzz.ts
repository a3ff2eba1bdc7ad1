import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCommandLine } from './command-line.ts';
import { QEMU_RELEASES } from './machine-options.ts';
import { UsageError } from './option-text.ts';

const OPTIONS = [
  ...['-S', '-preconfig', '-daemonize', '-nographic', '-nodefaults', '-enable-kvm', '-no-user-config', '-x'],
  ...['-name', '-uuid', '-m', '-smp', '-cpu', '-accel', '-machine', '-M', '-object', '-drive', '-blockdev'],
  ...[
    '-bios',
    '-kernel',
    '-initrd',
    '-append',
    '-qmp',
    '-monitor',
    '-chardev',
    '-mon',
    '-serial',
    '-pidfile',
  ],
  ...['-device', 'disk.img'],
];
const PIECES = [
  ...[
    'a',
    'b',
    '1',
    '0',
    '0x10',
    '64M',
    'on',
    'off',
    'q35',
    'pc',
    'none',
    'kvm:tcg',
    'sev-guest',
    'socket',
    'stdio',
  ],
  ...[
    'id=',
    'file=',
    'node-name=',
    'filename=',
    'path=',
    'fd=',
    'host=',
    'port=',
    'pflash0=',
    'if=pflash',
    'unit=',
  ],
  ...[
    'confidential-guest-support=',
    'policy=',
    'reduced-phys-bits=',
    'qom-type=',
    'chardev=',
    'mode=control',
  ],
  ...[
    'unix:',
    'tcp:',
    'file:',
    'mon:',
    'chardev:',
    'server=on',
    ',',
    ',',
    ',,',
    '=',
    ':',
    ' ',
    '{',
    '}',
    '"',
    "'",
    '-',
  ],
];

const word = fc.oneof(
  fc.constantFrom(...OPTIONS),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((pieces) => pieces.join('')),
  fc.string({ maxLength: 8 }),
);

test('any words are a command line, or refused in words', () => {
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 12 }),
      fc.constantFrom('refused', 'ignored'),
      fc.constantFrom('7.2', '10.0'),
      (words, others, release) => {
        try {
          parseCommandLine(words, { others, release: QEMU_RELEASES[release] });
        } catch (error) {
          if (!(error instanceof UsageError) || error.message === '') throw error;
        }
      },
    ),
  );
});

test('block devices in a circle lead to no file', () => {
  const circle = [
    '-blockdev',
    'node-name=a,file=b',
    '-blockdev',
    'node-name=b,file=a',
    '-machine',
    'q35,pflash0=a',
  ];
  expect(() => parseCommandLine(circle)).toThrow(UsageError);
});
