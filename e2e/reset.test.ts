import { gpa } from '@sevlab/codec/address';
import { EFI_INFO_OFFSET, EfiInfo } from '@sevlab/codec/efi/boot-params';
import { parseGuid } from '@sevlab/codec/guid';
import { POLICY } from '@sevlab/codec/sev/policy';
import { bootFirmware } from '@sevlab/firmware-sim/boot';
import { buildImage } from '@sevlab/firmware-sim/image';
import { bootKernel } from '@sevlab/guest-kernel-sim/boot';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { createPipeline, type Pipeline, type Setup } from '@sevlab/lab/pipeline';
import { VmmError } from '@sevlab/vmm-sim/errors';
import { describe, expect, it } from 'vitest';

const GUID = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');
const FOLDER = '/sys/kernel/security/secrets/coco';

function booted(change: Partial<Setup> = {}): Pipeline {
  const pipeline = createPipeline({
    ...{ seed: 'reset', part: 'genoa', profile: 'genoa-1.55', encryption: 'XEX', policy: POLICY.NODBG },
    ...{ image: buildImage({ layout: '202405' }), memorySize: 512n << 20n, linux: '6.1', record: true },
    ...change,
  });
  pipeline.offer();
  pipeline.launch();
  pipeline.measure();
  pipeline.verify();
  pipeline.seal([{ guid: GUID, data: new TextEncoder().encode('passphrase') }]);
  pipeline.inject();
  pipeline.finish();
  pipeline.boot();
  return pipeline;
}

const logOf = ({ progress }: Pipeline, word: string): string[] =>
  progress.kernel!.state.log.map(({ text }) => text).filter((text) => text.includes(word));
const readSecret = (pipeline: Pipeline): string =>
  pipeline.progress.kernel!.run(`cat ${FOLDER}/${GUID}`).output.toString();

describe('a warm reset', () => {
  it('without SEV-ES leaves the secrets, and their location has the same address', () => {
    const pipeline = booted();
    const before = logOf(pipeline, 'CocoSecret');
    pipeline.reset();
    expect(pipeline.progress.kernel).toBeUndefined();
    pipeline.boot();
    expect(before).toHaveLength(1);
    expect(logOf(pipeline, 'CocoSecret')).toEqual(before);
    expect(readSecret(pipeline)).toBe('passphrase');
  });

  it('after the secrets were deleted shows a folder without files', () => {
    const pipeline = booted();
    pipeline.progress.kernel!.run(`rm ${FOLDER}/${GUID}`);
    pipeline.reset();
    pipeline.boot();
    expect(logOf(pipeline, 'Created')).toEqual([
      'efi_secret efi_secret.0: Created 0 entries in securityfs secrets/coco',
    ]);
  });

  it('reads the image that lies in memory: a guest that damaged it does not start again', () => {
    const pipeline = booted();
    pipeline.progress.running!.resume(({ memory }) =>
      memory.writePrivate(gpa(0xfffd_0000n), new Uint8Array(16)),
    );
    expect(() => pipeline.reset()).toThrow(/the guest does not start: the firmware image is damaged/);
  });

  it('of a SEV-ES guest is its end: QEMU terminates, and the key is gone', () => {
    const pipeline = booted({ policy: POLICY.NODBG | POLICY.ES });
    expect(() => pipeline.reset()).toThrow(VmmError);
    expect(() => booted({ policy: POLICY.NODBG | POLICY.ES }).reset()).toThrow(
      /cpus are not resettable, terminating/,
    );
    expect(() => pipeline.progress.running!.resume(() => 'goes on')).toThrow('VMRUN refused');
  });
});

it('a new launch on the same machine has nothing of the old secrets', () => {
  const pipeline = booted();
  const { setup, observer, actors } = pipeline;
  pipeline.progress.running!.destroy();
  const next = actors.vmm
    .launch({ ...setup, policy: POLICY.NODBG })
    .measure()
    .finish();
  const kernel = next.run((context) => {
    const outcome = bootFirmware({ context, observer, memorySize: setup.memorySize });
    if (outcome.kind === 'stopped') throw new Error(outcome.reason);
    return bootKernel({ context, observer, bootParams: outcome.bootParams, profile: kernelProfile('6.1') });
  });
  expect(kernel.state.log.filter(({ text }) => text.includes('CocoSecret'))).toHaveLength(1);
  expect(kernel.state.log.filter(({ text }) => text.includes('efi_secret.0'))).toEqual([]);
  expect(kernel.run(`ls ${FOLDER}`).status).not.toBe(0);
});

it('a kernel that another one started learns of no EFI where there are no runtime services', () => {
  const pipeline = booted();
  pipeline.kexec();
  expect(logOf(pipeline, 'efi: ')).toEqual([]);
  const { bootParams } = pipeline.progress.kernel!.state;
  expect(EfiInfo.decodeAt(bootParams, EFI_INFO_OFFSET)).toMatchObject({ efiSystab: 0, efiMemmapSize: 0 });
});
