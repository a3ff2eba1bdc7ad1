import { existsSync } from 'node:fs';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import type { Command } from 'commander';
import { isOnPath } from '../on-path.ts';
import { BUILD_GUEST, REAL_GUEST_FOLDER } from '../root-folder.ts';
import { CommandError, EXIT } from './exit.ts';
import { print, printJson } from './output.ts';

interface Part {
  readonly name: string;
  readonly for: string;
  readonly needed: boolean;
  readonly present: boolean;
  /** The command that installs it on Debian. */
  readonly install: string;
}

/** Optional parts are for tests against real programs; the emulator itself needs Node only. */
function parts(): Part[] {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const recent = major! > 20 || (major === 20 && minor! >= 19);
  return [
    {
      name: `Node ${process.versions.node}`,
      for: 'everything',
      needed: true,
      present: recent,
      install: 'install Node 20.19 or newer',
    },
    {
      name: 'OVMF images',
      for: 'sevlab firmware inspect on real firmware, and the tests that do it',
      needed: false,
      present: existsSync('/usr/share/ovmf/OVMF.fd'),
      install: 'apt-get install --no-install-recommends ovmf',
    },
    {
      name: 'qemu-system-x86_64',
      for: 'sevlab boot: a real Linux kernel on memory that the emulator prepared',
      needed: false,
      present: isOnPath('qemu-system-x86_64'),
      install: 'apt-get install --no-install-recommends qemu-system-x86',
    },
    {
      name: 'virt-qemu-sev-validate',
      for: 'the tests that run it against sevlab vmm',
      needed: false,
      present: isOnPath('virt-qemu-sev-validate'),
      install:
        'apt-get install --no-install-recommends libvirt-clients-qemu python3-libvirt python3-cryptography python3-lxml',
    },
    {
      name: 'libvirt',
      for: 'virsh and libvirtd in front of sevlab vmm, and the tests that do it',
      needed: false,
      present: isOnPath('virsh') && isOnPath('libvirtd'),
      install:
        'apt-get install --no-install-recommends libvirt-clients libvirt-daemon libvirt-daemon-driver-qemu',
    },
    {
      name: 'socat',
      for: 'typing QMP to sevlab vmm, in the README and in tests',
      needed: false,
      present: isOnPath('socat'),
      install: 'apt-get install --no-install-recommends socat',
    },
    {
      name: 'guest kernel',
      for: 'sevlab boot without a kernel of your own',
      needed: false,
      present: findGuestParts(REAL_GUEST_FOLDER) !== undefined,
      install: `${BUILD_GUEST}, which says what it needs`,
    },
  ];
}

/** sevlab doctor */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('which optional parts are missing, and the command that installs each')
    .option('--json', 'one JSON document')
    .action(({ json }: { json?: boolean }) => {
      const all = parts();
      if (json) printJson(all);
      else for (const part of all) print(line(part));
      if (all.some(({ needed, present }) => needed && !present))
        throw new CommandError(EXIT.no, 'something that sevlab needs is missing');
    });
}

const line = ({ name, for: purpose, needed, present, install }: Part): string =>
  present ? `ok       ${name}` : `${needed ? 'missing ' : 'optional'} ${name} (${purpose}): ${install}`;
