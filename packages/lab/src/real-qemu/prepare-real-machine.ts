import { SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { findArea, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { hasManifest } from '@sevlab/firmware-sim/sec/own-image';
import { usableAccelerator } from '@sevlab/real-guest/qemu';
import { bootItems } from '@sevlab/vmm-sim/direct-boot';
import type { QemuCommandLine } from '@sevlab/vmm-sim/qemu/command-line-reading';
import type { MachineOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { UsageError } from '@sevlab/vmm-sim/qemu/option-text';
import { ramRegions } from '@sevlab/vmm-sim/ram-regions';
import { RealMachine } from './real-machine.ts';

/** The real QEMU that stands behind the emulated one. Throws UsageError for firmware that it cannot go on with. */
export function prepareRealMachine(
  words: readonly string[],
  line: QemuCommandLine,
  { machine, ram }: { readonly machine: MachineOptions; readonly ram: string | undefined },
): RealMachine {
  const { sevGuest, firmwareFile } = line;
  const { firmware, memorySize, directBoot } = machine;
  const foreign = sevGuest !== undefined && firmware !== undefined && !isOurs(firmware);
  if (foreign && !publishesSecrets(firmware))
    throw new UsageError(
      `${firmwareFile}: nobody would find a secret that is put there: it announces no secret area. Expected an image of ` +
        'sevlab firmware build, or an OVMF of the AmdSev kind',
    );
  return new RealMachine({
    ...{ given: words, kvm: usableAccelerator() === 'kvm', runsFirmware: foreign },
    ...(sevGuest !== undefined && {
      launched: { ram: ramRegions(memorySize, machine.machine === 'pc' ? 'pc' : 'q35'), memoryPath: ram },
    }),
    defaultFirmware: firmwareFile === undefined && sevGuest !== undefined ? firmware : undefined,
    fwCfg: foreign && directBoot !== undefined ? bootItems(directBoot) : [],
  });
}

const isOurs = (image: Uint8Array): boolean => hasManifest(readGuidedTable(image));

const publishesSecrets = (image: Uint8Array): boolean =>
  (findArea(readGuidedTable(image), SEV_SECRET_BLOCK_GUID)?.base ?? 0) !== 0;
