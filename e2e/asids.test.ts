import { POLICY } from '@sevlab/codec/sev/policy';
import { buildImage } from '@sevlab/firmware-sim/image';
import { createPipeline } from '@sevlab/lab/pipeline';
import { CommandFailed } from '@sevlab/vmm-sim/errors';
import type { RunningGuest } from '@sevlab/vmm-sim/guest';
import type { Vmm } from '@sevlab/vmm-sim/vmm';
import { describe, expect, it } from 'vitest';

const GUEST = { image: buildImage({ layout: '202405' }), memorySize: 64n << 20n, policy: POLICY.NODBG };
const ES_GUEST = { ...GUEST, policy: POLICY.NODBG | POLICY.ES };
/** Of naples, by the order in which KVM gives them out (Linux, arch/x86/kvm/svm/sev.c: sev_asid_new). */
const ASIDS = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const ES_ASIDS = [1, 2, 3, 4];

/** A platform for both kinds of guests, and what the AMD-SP was asked since it was asked the last time. */
function platform() {
  const { actors, observer } = createPipeline({
    ...{
      seed: 'asids',
      part: 'naples',
      profile: 'genoa-1.55',
      encryption: 'XEX',
      linux: '6.1',
      record: true,
    },
    ...GUEST,
  });
  const { vmm } = actors;
  vmm.initPlatform({ es: true });
  let seen = observer.events.length;
  const asked = (): string[] => {
    const events = observer.events.slice(seen);
    seen = observer.events.length;
    return events.flatMap((event) => (event.type === 'command' ? [event.name] : []));
  };
  return { vmm, asked };
}

const run = (vmm: Vmm, request = GUEST): RunningGuest => vmm.launch(request).measure().finish();
const asidOf = ({ record }: RunningGuest): number | undefined => record.asid;
const many = (count: number, make: () => RunningGuest): RunningGuest[] => Array.from({ length: count }, make);

describe('ASIDs', () => {
  it('are the lowest that nobody had; when all are used up, those of guests that are gone are flushed', () => {
    const { vmm, asked } = platform();
    const [first, second, third, ...others] = many(ASIDS.length - 1, () => run(vmm));
    expect([first!, second!, third!, ...others].map(asidOf)).toEqual(ASIDS.slice(0, -1));
    third!.destroy();
    first!.destroy();
    asked();
    expect(asidOf(run(vmm))).toBe(15);
    expect(asked()).not.toContain('DF_FLUSH');
    expect([run(vmm), run(vmm)].map(asidOf)).toEqual([5, 7]);
    expect(asked().filter((name) => name === 'DF_FLUSH')).toHaveLength(1);
    expect(second!.run(() => 'goes on')).toBe('goes on');
  });

  it('come back for as many guests as one likes, one at a time', () => {
    const { vmm, asked } = platform();
    asked();
    const had = Array.from({ length: 40 }, () => {
      const guest = run(vmm);
      expect(guest.run(() => 'runs')).toBe('runs');
      guest.destroy();
      return asidOf(guest);
    });
    expect(had).toEqual([...ASIDS, ...ASIDS, ...ASIDS, ...ASIDS].slice(0, 40));
    expect(asked().filter((name) => name === 'DF_FLUSH')).toHaveLength(3);
  });

  it('that are all in use are an error that says so, and the next guest gets one that has ended', () => {
    const { vmm, asked } = platform();
    const guests = many(ASIDS.length, () => run(vmm));
    asked();
    expect(() => run(vmm)).toThrow(
      'KVM has no ASID left: naples has 11 for guests without SEV-ES; end one of them first',
    );
    expect(asked()).toEqual([]);
    expect(many(4, () => run(vmm, ES_GUEST)).map(asidOf)).toEqual(ES_ASIDS);
    expect(() => run(vmm, ES_GUEST)).toThrow('naples has 4 for guests with SEV-ES');
    guests[4]!.destroy();
    expect(asidOf(run(vmm))).toBe(9);
  });

  it('of one kind are no help for the other, but one flush is for both', () => {
    const { vmm, asked } = platform();
    const guests = many(ASIDS.length, () => run(vmm));
    const esGuests = many(ES_ASIDS.length, () => run(vmm, ES_GUEST));
    guests[0]!.destroy();
    asked();
    expect(() => run(vmm, ES_GUEST)).toThrow('no ASID left');
    expect(asked()).toEqual([]);
    esGuests[2]!.destroy();
    expect(asidOf(run(vmm, ES_GUEST))).toBe(3);
    asked();
    expect(asidOf(run(vmm))).toBe(5);
    expect(asked()).not.toContain('DF_FLUSH');
  });

  it('of a launch that was refused come back, too', () => {
    const { vmm } = platform();
    const bad = { ...GUEST, session: { godh: new Uint8Array(0x824), session: new Uint8Array(0x80) } };
    for (let i = 0; i < 3 * ASIDS.length; i++) expect(() => run(vmm, bad)).toThrow(CommandFailed);
    expect(vmm.platformStatus().guestCount).toBe(0);
    expect(asidOf(run(vmm))).toBe(5);
  });

  it('stay with a fork as they were', () => {
    const { vmm } = platform();
    const fork = vmm.fork(vmm.host);
    run(vmm);
    expect(fork.state.asids.guests.size).toBe(0);
  });
});

it('a guest that is gone stays gone: who ends it again ends nobody else', () => {
  const { vmm, asked } = platform();
  const gone = run(vmm);
  gone.destroy();
  const next = run(vmm); // has the handle of the one that is gone
  asked();
  gone.destroy();
  expect(asked()).toEqual([]);
  expect(next.run(() => 'runs')).toBe('runs');
  for (const guest of many(ASIDS.length - 2, () => run(vmm))) guest.destroy();
  const heir = run(vmm);
  expect(asidOf(heir)).toBe(5);
  gone.destroy();
  expect(() => many(ASIDS.length, () => run(vmm))).toThrow('no ASID left');
  expect(heir.run(() => 'runs')).toBe('runs');
});
