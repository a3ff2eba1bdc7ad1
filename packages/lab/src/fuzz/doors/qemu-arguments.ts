import { parseCommandLine } from '@sevlab/vmm-sim/qemu/command-line';
import { QEMU_RELEASES, readOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { UsageError } from '@sevlab/vmm-sim/qemu/option-text';
import fc from 'fast-check';
import { arbitraryDoor, type Door, holds } from '../door.ts';
import { attempted } from '../failure.ts';

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

interface Input {
  readonly words: readonly string[];
  readonly others: 'refused' | 'ignored';
  readonly release: '7.2' | '10.0';
}

const NO_FILES = { readFile: () => 'No such file or directory' };

/** The arguments of `sevlab vmm --`, which are those of QEMU. */
export const qemuArgumentsDoor: Door = arbitraryDoor<Input>({
  name: 'qemu-arguments',
  about: 'QEMU’s command line: understood, or refused in words',
  ...{ share: 20, chunk: 1000, cost: 250 },
  inputs: () =>
    fc.record({
      words: fc.array(word, { maxLength: 12 }),
      others: fc.constantFrom('refused', 'ignored'),
      release: fc.constantFrom('7.2', '10.0'),
    }),
  start:
    () =>
    ({ words, others, release: name }) => {
      const release = QEMU_RELEASES[name];
      return attempted(
        () => {
          const line = parseCommandLine(words, { others, release });
          readOptions(line, { release, package: 'sevlab' }, NO_FILES);
        },
        (error) => {
          if (!(error instanceof UsageError)) return false;
          holds(error.message !== '', 'a refusal has words');
          return true;
        },
      );
    },
});
