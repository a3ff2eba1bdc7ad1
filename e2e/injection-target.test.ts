import { gpa } from '@sevlab/codec/address';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { POLICY } from '@sevlab/codec/sev/policy';
import { emulatedKernelFile } from '@sevlab/firmware-sim/direct-boot/emulated-kernel-file';
import { buildImage } from '@sevlab/firmware-sim/image';
import { createPipeline, type Pipeline, Refused, type Setup } from '@sevlab/lab/pipeline';
import { sealPacket } from '@sevlab/sev-channel/packet';
import { VmmError } from '@sevlab/vmm-sim/errors';
import { describe, expect, it } from 'vitest';

const GUID = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');
const AREA = 0x81_0000n;
const FOLDER = '/sys/kernel/security/secrets/coco';

const secretOf = (length: number) => [{ guid: GUID, data: new Uint8Array(length).fill(0x61) }];
/** So that the sealed table has that many bytes. */
const dataFor = (packet: number) => packet - encodeSecretTable(secretOf(0)).length;

function verified(change: Partial<Setup>): Pipeline {
  const pipeline = createPipeline({
    ...{ seed: 'target', part: 'genoa', profile: 'genoa-1.55', encryption: 'XEX', policy: POLICY.NODBG },
    ...{ image: buildImage({ layout: '202405' }), memorySize: 128n << 20n, linux: '6.1', record: true },
    ...change,
  });
  pipeline.offer();
  pipeline.launch();
  pipeline.measure();
  pipeline.verify();
  return pipeline;
}

/** With a sealed packet of that many bytes. */
function sealed(packet: number, change: Partial<Setup> = {}): Pipeline {
  const pipeline = verified(change);
  pipeline.seal(secretOf(dataFor(packet)));
  expect(pipeline.progress.packet!.data).toHaveLength(packet);
  return pipeline;
}

/** The packet of an owner's tool that knows nothing of areas, as all of them but ours. */
function carelesslySealed({ actors }: Pipeline, packet: number) {
  const [session] = [...actors.owner.state.sessions.values()];
  const { tek, tik, measure } = session!;
  const plaintext = encodeSecretTable(secretOf(dataFor(packet)));
  const { header, data } = sealPacket({ tek, tik, measure, iv: new Uint8Array(16), plaintext });
  return { header: PacketHeader.encode(header), data };
}

const bootAfter = (pipeline: Pipeline) => {
  pipeline.finish();
  return pipeline.boot();
};

describe('an image that announces 0/0', () => {
  const image = buildImage({ layout: '202405', secretArea: { base: 0, size: 0 }, publishesArea: false });

  it('gets no secret from this host, which says why', () => {
    expect(() => sealed(64, { image }).inject()).toThrow(VmmError);
    expect(() => sealed(64, { image }).inject()).toThrow(/the secret block says base 0x0 and size 0/);
  });

  it('gets it at address 0 from a host like QEMU, where the AMD-SP puts it and no kernel finds it', () => {
    const pipeline = sealed(64, { image });
    expect(pipeline.inject(undefined, 0n)).toBe('SUCCESS');
    expect(bootAfter(pipeline).run(`ls ${FOLDER}`).status).not.toBe(0);
  });
});

describe('a secret longer than its area', () => {
  const directBoot = { kernel: emulatedKernelFile(), commandLine: 'quiet' };
  const measured = { directBoot, kernelHashes: true };

  it('is refused by its owner, and by this host before any command', () => {
    const pipeline = verified(measured);
    expect(() => pipeline.seal(secretOf(dataFor(0xc10)))).toThrow('the secret table has 3088 bytes');
    expect(() => pipeline.inject(carelesslySealed(pipeline, 0xc10))).toThrow(
      "packet: 3088 bytes do not fit; expected at most 3072, the size of the image's secret area",
    );
  });

  it('by 16 bytes destroys the hashes that were measured when a host like QEMU injects it: nothing boots', () => {
    const pipeline = verified(measured);
    expect(pipeline.inject(carelesslySealed(pipeline, 0xc10), AREA)).toBe('SUCCESS');
    expect(() => bootAfter(pipeline)).toThrow(
      /No bootable option was found\. \(cmdline: there is no table of hashes\)/,
    );
  });

  it('that ends where the hashes start does not', () => {
    const pipeline = sealed(0xc00, measured);
    expect(pipeline.inject()).toBe('SUCCESS');
    expect(bootAfter(pipeline).run(`ls ${FOLDER}`).output.toString()).toContain(GUID);
  });
});

describe('the state of the guest', () => {
  it('before the measurement nobody can inject', () => {
    const pipeline = createPipeline(sealed(64).setup);
    pipeline.offer();
    pipeline.launch();
    expect(() => pipeline.inject(sealed(64).progress.packet!)).toThrow(Refused);
  });

  it('after LAUNCH_FINISH the AMD-SP refuses', () => {
    const pipeline = sealed(64);
    pipeline.finish();
    expect(pipeline.inject()).toBe('INVALID_GUEST_STATE');
  });
});

describe('a secret in memory that the firmware uses', () => {
  it.each([
    ['the work area', 0x80_b000n],
    ['the loader’s part of the end of RAM', (128n << 20n) - 0xb2_3000n],
  ])('%s is overwritten before a kernel looks', (_, address) => {
    const pipeline = sealed(64);
    expect(pipeline.inject(undefined, address)).toBe('SUCCESS');
    pipeline.finish();
    const read = () =>
      pipeline.progress.running!.resume(({ memory }) => memory.readPrivate(gpa(address), 64));
    const injected = read();
    pipeline.startFirmware();
    expect(read()).not.toEqual(injected);
  });

  it('its own image does not start any more', () => {
    const pipeline = sealed(64);
    expect(pipeline.inject(undefined, 0xfffd_0000n)).toBe('SUCCESS');
    expect(() => bootAfter(pipeline)).toThrow(/the firmware image is damaged/);
  });
});
