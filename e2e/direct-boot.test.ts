import { parseGuid } from '@sevlab/codec/guid';
import { POLICY } from '@sevlab/codec/sev/policy';
import { emulatedKernelFile } from '@sevlab/firmware-sim/direct-boot/emulated-kernel-file';
import { buildImage } from '@sevlab/firmware-sim/image';
import { createPipeline, type Pipeline, Refused, type Setup } from '@sevlab/lab/pipeline';
import { VmmError } from '@sevlab/vmm-sim/errors';
import { describe, expect, it } from 'vitest';

const KERNEL = emulatedKernelFile();
const OTHER_KERNEL = emulatedKernelFile({}, new Uint8Array(0x3000));
const DIRECT = { kernel: KERNEL, initrd: new Uint8Array(100).fill(7), commandLine: 'console=ttyS0' };
const GUID = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');
const SECRETS = [{ guid: GUID, data: new TextEncoder().encode('passphrase') }];
const ES = POLICY.NODBG | POLICY.ES;

const setup = (change: Partial<Setup> = {}): Setup => ({
  ...{ seed: 'direct', part: 'genoa', profile: 'genoa-1.55', encryption: 'XEX', policy: POLICY.NODBG },
  ...{ image: buildImage({ layout: '202405' }), memorySize: 512n << 20n, linux: '6.1', record: true },
  ...{ directBoot: DIRECT, kernelHashes: true },
  ...change,
});

/** Up to the measurement; `instead` is what a cheating host launches. */
function measured(change: Partial<Setup> = {}, instead: Parameters<Pipeline['launch']>[0] = {}): Pipeline {
  const pipeline = createPipeline(setup(change));
  pipeline.offer();
  pipeline.launch(instead);
  pipeline.measure();
  return pipeline;
}

/** From the owner's verdict to what the guest's root reads. */
function secretOf(pipeline: Pipeline): string {
  pipeline.verify();
  pipeline.seal(SECRETS);
  pipeline.inject();
  pipeline.finish();
  return pipeline.boot().run(`cat /sys/kernel/security/secrets/coco/${GUID}`).output.toString();
}

const offer = ({ actors, progress }: Pipeline, name: string, item: Uint8Array): void =>
  actors.machine.host.offerFwCfg(progress.launching!.record.guest, name, item);

describe('measured direct boot', () => {
  it.each([
    ['kernel, initrd and command line', DIRECT],
    ['a kernel alone', { kernel: KERNEL, commandLine: '' }],
    ['a command line with more than ASCII', { ...DIRECT, commandLine: 'greeting=hellø' }],
  ])('%s: the owner expects what an honest host measures, and the guest starts', (_, directBoot) => {
    expect(secretOf(measured({ directBoot }))).toBe('passphrase');
  });

  it.each([
    ['another kernel', { ...DIRECT, kernel: OTHER_KERNEL }],
    ['another initrd', { ...DIRECT, initrd: new Uint8Array(100) }],
    ['no initrd', { kernel: KERNEL, commandLine: DIRECT.commandLine }],
    ['another command line', { ...DIRECT, commandLine: 'console=ttyS0 init=/bin/sh' }],
  ])('%s, honestly measured: the owner sees it', (_, directBoot) => {
    expect(() => measured({}, { directBoot }).verify()).toThrow(/the measurement does not match/);
  });

  it.each([
    ['etc/boot/kernel', OTHER_KERNEL, /hangs without a word: kernel/],
    ['etc/boot/initrd', new Uint8Array(100), /hangs without a word: initrd/],
    ['etc/boot/cmdline', new TextEncoder().encode('init=/bin/sh\0'), /hangs without a word: cmdline/],
  ])(
    '%s exchanged after the measurement: the firmware stops, and the trace says why',
    (name, item, reason) => {
      const pipeline = measured();
      offer(pipeline, name, item);
      expect(() => secretOf(pipeline)).toThrow(reason);
      expect(pipeline.observer.events.at(-1)).toMatchObject({
        type: 'stop',
        reason: expect.stringMatching(reason),
      });
    },
  );

  it('without kernel hashes the owner cannot tell one kernel from another, and neither can the firmware', () => {
    const image = buildImage({ layout: '202405', verifier: 'none' });
    const [honest, swapped] = [DIRECT, { ...DIRECT, kernel: OTHER_KERNEL }].map((directBoot) =>
      measured({ image, kernelHashes: false }, { directBoot }),
    );
    const digest = (pipeline: Pipeline) =>
      [...pipeline.actors.secureProcessor.state.guests.values()][0]?.launchDigest;
    expect(digest(swapped!)).toEqual(digest(honest!));
    expect(secretOf(swapped!)).toBe('passphrase');
  });

  it('an AmdSev image starts nothing that was not measured', () => {
    expect(() => secretOf(measured({ kernelHashes: false }))).toThrow(
      /No bootable option was found\. \(cmdline: there is no table of hashes\)/,
    );
  });

  it.each([['202102', /it has no hashes table GUID/]] as const)(
    'layout %s: the host refuses to measure hashes',
    (layout, message) => {
      const pipeline = createPipeline(setup({ image: buildImage({ layout }) }));
      pipeline.offer();
      expect(() => pipeline.launch()).toThrow(VmmError);
      expect(() => pipeline.launch()).toThrow(message);
    },
  );
});

describe('SEV-ES', () => {
  const vcpus = { count: 4, cpuSignature: 0xa10f11, form: 'legacy' } as const;

  it.each([
    ['naples', 1, 'legacy'],
    ['milan', 4, 'legacy'],
    ['genoa', 1, 'init2'],
    ['genoa', 16, 'init2'],
  ] as const)('on %s with %i vCPUs of the form %s: measured, verified, run', (part, count, form) => {
    const pipeline = measured({ part, policy: ES, vcpus: { ...vcpus, count, form } });
    const commands = pipeline.observer.events.flatMap((event) =>
      event.type === 'command' ? [event.name] : [],
    );
    expect(commands.filter((name) => name === 'LAUNCH_UPDATE_VMSA')).toHaveLength(count);
    expect(secretOf(pipeline)).toBe('passphrase');
    const { log } = pipeline.progress.kernel!.state;
    expect(log.map(({ text }) => text)).toContain('Memory Encryption Features active: AMD SEV SEV-ES');
  });

  it.each([
    ['fewer vCPUs', { ...vcpus, count: 3 }],
    ['another processor', { ...vcpus, cpuSignature: 0x800f12 }],
    ['the other form of KVM', { ...vcpus, form: 'init2' }],
  ] as const)('%s than the owner expects: it refuses', (_, others) => {
    expect(() => measured({ policy: ES, vcpus }, { vcpus: others }).verify()).toThrow(Refused);
  });

  it('a VMSA that the host changes after the measurement is a guest that VMRUN refuses', () => {
    const pipeline = measured({ policy: ES, vcpus });
    const { vmsa } = pipeline.progress.launching!.record;
    const { memory } = pipeline.actors.machine.host;
    memory.write(
      vmsa!,
      memory.read(vmsa!, 16).map((byte) => byte ^ 1),
    );
    pipeline.verify();
    pipeline.seal(SECRETS);
    pipeline.inject();
    pipeline.finish();
    expect(() => pipeline.boot()).toThrow(/VMRUN refused: .* has no VMSA with the checksum/);
  });

  it('an image that does not say where other processors start is refused', () => {
    const image = buildImage({ layout: '202405', table: false });
    expect(() => measured({ policy: ES, vcpus, image })).toThrow(/reset block/);
  });
});
