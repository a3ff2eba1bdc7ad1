import { gpa, spa } from '@sevlab/codec/address';
import { parseGuid } from '@sevlab/codec/guid';
import { createPipeline, type Pipeline, Refused } from '@sevlab/lab/pipeline';
import { flipBit } from '@sevlab/lab/scenario/attack';
import { setupOf } from '@sevlab/lab/scenario/setup';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

const secrets = [
  {
    guid: parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b'),
    data: new TextEncoder().encode('correct horse'),
  },
];
const setup = setupOf({ version: 1, title: 'hostile', steps: [] }, '', {
  record: false,
  seed: 'hostile',
}).setup;

const upTo = (last: 'offer' | 'launch' | 'measure' | 'verify'): Pipeline => {
  const pipeline = createPipeline(setup);
  for (const step of ['offer', 'launch', 'measure', 'verify'] as const) {
    pipeline[step]();
    if (step === last) break;
  }
  return pipeline;
};

/** All of DRAM but the host's own buffers, in which the packet itself lies. */
const guestCells = (pipeline: Pipeline) =>
  [...pipeline.actors.machine.host.memory.touchedPages()]
    .filter(({ spa }) => spa >= 0x1_0000_0000n)
    .map(({ spa, cells }) => `${spa} ${Buffer.from(cells).toString('base64')}`);

describe('a packet on its way', () => {
  const waiting = upTo('verify');
  const packet = waiting.seal(secrets);

  it.each(['header', 'data'] as const)(
    'with any bit of its %s changed is refused, and nothing is written',
    (part) => {
      const before = guestCells(waiting);
      fc.assert(
        fc.property(fc.integer({ min: 0, max: packet[part].length * 8 - 1 }), (bit) => {
          const pipeline = waiting.fork();
          expect(pipeline.inject({ ...packet, [part]: flipBit(packet[part], bit) })).toBe('BAD_MEASUREMENT');
          expect(guestCells(pipeline)).toEqual(before);
          expect(pipeline.inject(packet)).toBe('SUCCESS'); // no lockout
        }),
        { numRuns: 60 },
      );
    },
  );

  it('of more than 16 KiB is refused by KVM', () => {
    const data = new Uint8Array(20_496);
    expect(() => waiting.fork().inject({ ...packet, data }, 0x10_0000n)).toThrow(
      /KVM refused it with errno 22/,
    );
  });

  it.each([15, 17])('of %i bytes is refused by the AMD-SP', (length) => {
    const pipeline = waiting.fork();
    expect(pipeline.inject({ ...packet, data: new Uint8Array(length) }, 0x10_0000n)).toBe('INVALID_LENGTH');
  });

  it('opens at any address, as often as the host likes: neither is under the MAC', () => {
    const pipeline = waiting.fork();
    for (const address of [0x81_0000n, 0x81_0000n, 0x10_0000n])
      expect(pipeline.inject(packet, address)).toBe('SUCCESS');
    pipeline.finish();
    const read = (address: bigint) =>
      pipeline.progress.running!.resume(({ memory }) => memory.readPrivate(gpa(address), packet.data.length));
    expect(read(0x10_0000n)).toEqual(read(0x81_0000n));
  });

  it('of another launch is refused: it is bound to its measurement', () => {
    const other = createPipeline({ ...setup, seed: 'hostile' });
    other.offer();
    other.actors.secureProcessor.entropy.bytes(1); // the same keys, another MNONCE
    other.launch();
    other.measure();
    other.verify();
    expect(other.progress.measured!.measurement).not.toEqual(waiting.progress.measured!.measurement);
    expect(other.inject(packet)).toBe('BAD_MEASUREMENT');
  });
});

describe('a host that cheats before the measurement', () => {
  it('with another image is found out, and gets no secrets', () => {
    const pipeline = upTo('offer');
    pipeline.launch({ image: flipBit(setup.image, 12_345) });
    pipeline.measure();
    expect(() => pipeline.verify()).toThrow(Refused);
    expect(() => pipeline.seal(secrets)).toThrow('verified is not there yet');
  });

  it('with another policy is refused by the AMD-SP', () => {
    expect(() => upTo('offer').launch({ policy: 0 })).toThrow('LAUNCH_START failed with BAD_MEASUREMENT');
  });

  it('with a forged measurement is found out', () => {
    const pipeline = upTo('measure');
    const { measurement } = pipeline.progress.measured!;
    for (const bit of [0, 255, 256, 383]) {
      const fork = pipeline.fork();
      expect(() => fork.verify(flipBit(measurement, bit))).toThrow('the measurement does not match');
    }
  });

  it('asks for a second measurement of one session in vain', () => {
    const pipeline = upTo('verify');
    expect(() => pipeline.verify()).toThrow('replays the session');
  });
});

describe('a host that measures the right bytes in the wrong places', () => {
  /** The launch digest has no addresses in it: the host measures the image in order, and puts two pages the other way. */
  function permuted(): Pipeline {
    const pipeline = createPipeline({ ...setup, record: true });
    pipeline.offer();
    const { host } = pipeline.actors.vmm;
    const locate = host.locate.bind(host);
    const permute: typeof locate = (guest, address, length) => {
      const [whole, ...none] = locate(guest, address, length);
      expect(none).toEqual([]);
      const at = (page: number) => spa(whole!.spa! + BigInt(page * 4096));
      return [
        { spa: at(1), length: 4096 },
        { spa: at(0), length: 4096 },
        { spa: at(2), length: length - 8192 },
      ];
    };
    // once for the bytes, and once for what is measured
    vi.spyOn(host, 'locate').mockImplementationOnce(permute).mockImplementationOnce(permute);
    pipeline.launch();
    pipeline.measure();
    return pipeline;
  }

  it('is not found out by the measurement, and gets a guest that does not start', () => {
    const pipeline = permuted();
    pipeline.verify();
    pipeline.seal(secrets);
    expect(pipeline.inject()).toBe('SUCCESS');
    pipeline.finish();
    expect(() => pipeline.boot()).toThrow(/the guest does not start: the firmware image is damaged/);
    expect(pipeline.observer.events.at(-1)).toMatchObject({
      ...{ type: 'stop', reason: expect.stringMatching(/with the SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}/) },
    });
  });

  it('lets a secret land on the code: the guest does not start, and the trace says why', () => {
    const pipeline = createPipeline({ ...setup, record: true });
    for (const step of ['offer', 'launch', 'measure', 'verify'] as const) pipeline[step]();
    pipeline.seal(secrets);
    expect(pipeline.inject(undefined, 0xffff_8000n)).toBe('SUCCESS');
    pipeline.finish();
    expect(() => pipeline.boot()).toThrow(/the firmware image is damaged/);
    expect(pipeline.observer.events.at(-1)).toMatchObject({ type: 'stop' });
  });
});

describe('a host that cheats after the measurement', () => {
  it.each([
    ['the reset vector’s page', 0xffff_f000n],
    ['the manifest or the body', 0xfffc_0000n],
  ])('and puts other bytes into %s gets a guest that does not start', (_, address) => {
    const pipeline = upTo('verify');
    const [place] = pipeline.actors.machine.host.locate(0, gpa(address), 16);
    pipeline.actors.machine.host.memory.write(place!.spa!, new Uint8Array(16).fill(0x90));
    pipeline.seal(secrets);
    pipeline.inject();
    pipeline.finish();
    expect(() => pipeline.boot()).toThrow(Refused);
  });

  it('and swaps two pages of the image gets a guest that does not start', () => {
    const pipeline = upTo('verify');
    const { host } = pipeline.actors.machine;
    const [a, b] = [0xfffd_0000n, 0xfffe_0000n].map((address) => host.locate(0, gpa(address), 4096)[0]!.spa!);
    host.remap(0, gpa(0xfffd_0000n), b!);
    host.remap(0, gpa(0xfffe_0000n), a!);
    pipeline.finish();
    expect(() => pipeline.boot()).toThrow(Refused);
  });

  it('and runs the guest before LAUNCH_FINISH is refused by the CPU', () => {
    const pipeline = upTo('measure');
    const { guest, asid } = pipeline.progress.launching!.record;
    expect(() => pipeline.actors.machine.host.vmrun(guest, asid!, () => {})).toThrow('VMRUN refused');
  });
});
