import { type Entropy, seededEntropy } from '@sevlab/ambient/entropy';
import { equal } from '@sevlab/codec/bytes';
import { drawProbe, drawSequence, type Probe } from '@sevlab/conformance/fuzz-areas';
import { drawTables } from '@sevlab/conformance/fuzz-tables';
import { smallerProbes } from '@sevlab/conformance/shrink-probe';
import { KERNEL_PROFILES, kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { probeArea } from '@sevlab/guest-kernel-sim/standalone';
import { type Door, holds, ownDoor } from '../door.ts';
import { attempted } from '../failure.ts';

/** A question to an emulated kernel, and which one it is. */
type Input = Probe & { readonly linux: string };

/** A door for probes that are drawn as those are that real kernels are asked. */
function kernelDoor(
  description: Pick<Door, 'name' | 'about' | 'cost'>,
  draw: (name: string, entropy: Entropy) => Probe,
): Door {
  return ownDoor<Input>({
    ...description,
    ...{ share: 10, chunk: 250 },
    inputs: {
      draw: (random) => {
        const word = (): string => random.nextInt().toString(16);
        const linux = KERNEL_PROFILES[random.nextInt(0, KERNEL_PROFILES.length - 1)]!; // one of them
        return { ...draw('case', seededEntropy([word(), word(), word(), word()].join(' '), 'probe')), linux };
      },
      smaller: function* (input) {
        for (const probe of smallerProbes(input)) yield { ...probe, linux: input.linux };
      },
    },
    start: () => ask,
  });
}

function ask({ linux, ...probe }: Input): string {
  const before = probe.area.slice();
  let outcome = '';
  const taken = attempted(() => {
    const { probe: how, ops = [], boot } = probeArea({ ...probe, profile: kernelProfile(linux) });
    holds(ops.length === probe.operations.length, 'every operation has an answer');
    holds((boot === undefined) === (probe.tables === undefined), 'a boot of its own is told of');
    outcome = JSON.stringify(how);
  });
  holds(equal(before, probe.area), 'the bytes of whoever asks stay as they are');
  return taken === 'taken' ? outcome : taken;
}

/** What lies in the secret area. */
export const areaDoor: Door = kernelDoor(
  { name: 'area', about: 'secret areas to the driver of every emulated kernel', cost: 4000 },
  drawProbe,
);

/** What somebody does with the files. */
export const syscallDoor: Door = kernelDoor(
  {
    name: 'syscall',
    about: 'sequences of system calls on the secrets’ files, as root and as others',
    cost: 4500,
  },
  drawSequence,
);

/** What firmware leaves for the kernel. */
export const efiTableDoor: Door = kernelDoor(
  {
    name: 'efi-table',
    about: 'EFI tables, memory maps and locations with something wrong, to a booting kernel',
    cost: 3500,
  },
  drawTables,
);
