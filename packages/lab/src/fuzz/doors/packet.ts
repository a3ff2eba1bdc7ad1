import { createObserver } from '@sevlab/ambient/observer';
import { spa } from '@sevlab/codec/address';
import { LaunchSecretBuffer } from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { SEV_STATUS } from '@sevlab/codec/sev/status';
import { serve } from '@sevlab/psp-sim/mailbox';
import { createPlatform, initialise, launchGuest, measureGuest } from '@sevlab/psp-sim/test/platform';
import { sealPacket } from '@sevlab/sev-channel/packet';
import fc from 'fast-check';
import { exactly } from '../arbitraries.ts';
import { arbitraryDoor, type Door, holds } from '../door.ts';

/** A sealed packet, and what a stranger did to it. */
interface Input {
  readonly profile: 'genoa-1.55' | 'spec';
  readonly plaintext: Uint8Array;
  readonly changes: readonly Change[];
}

type Change =
  | { readonly part: 'header' | 'data'; readonly at: number; readonly by: number }
  | { readonly part: 'header' | 'data'; readonly bytes: Uint8Array }
  | { readonly length: 'hdrLen' | 'guestLen' | 'transLen'; readonly is: number }
  | { readonly aside: number };

const HEADER = spa(0x0a00_0000n);
const DATA = spa(0x0b00_0000n);
const COMMAND = spa(0x0900_0000n);
const GUEST = 0x0800_0000n;

const part = fc.constantFrom('header' as const, 'data' as const);
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ part, at: fc.nat(400), by: fc.integer({ min: 1, max: 255 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ part: fc.constant('header' as const), bytes: exactly(PacketHeader.size) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      part: fc.constant('data' as const),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 400 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      length: fc.constantFrom('hdrLen' as const, 'guestLen' as const, 'transLen' as const),
      is: fc.oneof(fc.nat(0x40), fc.nat(0x5000), fc.nat(0xffff_ffff)),
    }),
  },
  { weight: 1, arbitrary: fc.nat(0xfff).map((aside) => ({ aside })) },
);

/** LAUNCH_SECRET's packet: header, data and their lengths. */
export const packetDoor: Door = arbitraryDoor<Input>({
  name: 'packet',
  about:
    'packets to LAUNCH_SECRET: taken as they were sealed, otherwise refused with no byte of memory changed',
  ...{ share: 20, chunk: 500, cost: 400 },
  inputs: () =>
    fc.record({
      profile: fc.constantFrom('genoa-1.55', 'spec'),
      plaintext: fc.uint8Array({ minLength: 1, maxLength: 300 }),
      changes: fc.oneof(
        { weight: 1, arbitrary: fc.constant([]) },
        { weight: 6, arbitrary: fc.array(change, { minLength: 1, maxLength: 4 }) },
      ),
    }),
  start: () => {
    const bases = {
      'genoa-1.55': launched('genoa-1.55'),
      spec: launched('spec'),
    };
    return (input) => inject(bases[input.profile], input);
  },
});

type Base = ReturnType<typeof launched>;

function launched(profile: Input['profile']) {
  const platform = createPlatform(profile);
  initialise(platform);
  const handle = launchGuest(platform);
  const { measure } = measureGuest(platform, handle);
  return { platform, handle, measure };
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SEV_STATUS).map(([name, { code }]) => [code, name]),
);

function inject({ platform, handle, measure }: Base, { plaintext, changes }: Input): string {
  const observer = createObserver();
  const machine = platform.machine.fork(observer);
  const sp = platform.sp.fork(machine.secureProcessor);
  machine.mailbox.connect(serve(sp, observer));
  const { tek, tik } = sp.guest(handle).channel;
  const iv = new Uint8Array(16).fill(7);
  const sealed = sealPacket({ tek, tik, measure, iv, plaintext });
  const good = { header: PacketHeader.encode(sealed.header), data: sealed.data };
  const sent = { ...good };
  const { length } = good.data;
  const lengths = { hdrLen: PacketHeader.size, guestLen: length, transLen: length };
  let aside = 0;
  for (const each of changes) {
    if ('aside' in each) aside = each.aside;
    else if ('length' in each) lengths[each.length] = each.is;
    else if ('bytes' in each) sent[each.part] = each.bytes;
    else {
      const bytes = sent[each.part].slice();
      bytes[each.at % bytes.length]! ^= each.by; // within its length
      sent[each.part] = bytes;
    }
  }
  const { memory } = machine.host;
  memory.write(HEADER, sent.header);
  memory.write(DATA, sent.data);
  const guestPaddr = spa(GUEST + BigInt(aside));
  const cmd = { handle, hdrPaddr: HEADER, guestPaddr, transPaddr: DATA, ...lengths };
  memory.write(COMMAND, LaunchSecretBuffer.encode(cmd));
  const before = [...memory.touchedPages()];
  machine.mailbox.write('CmdBufAddr_Lo', Number(COMMAND));
  machine.mailbox.write('CmdBufAddr_Hi', 0);
  machine.mailbox.write('CmdResp', 0x034 << 16);
  const status = NAMES.get(machine.mailbox.read('CmdResp') & 0xffff) ?? 'none';
  holds(status !== 'none', 'an AMD-SP answers with a status');
  const after = [...memory.touchedPages()];
  const same =
    before.length === after.length &&
    before.every(({ spa: at, cells }, i) => at === after[i]?.spa && !Buffer.compare(cells, after[i].cells));
  holds(
    (status === 'SUCCESS') !== same,
    'memory changes when a packet is taken, and only then',
    () => status,
  );
  const authentic =
    lengths.guestLen === length &&
    lengths.transLen === length &&
    sent.data.length >= length &&
    !Buffer.compare(sent.data.subarray(0, length), good.data) &&
    !Buffer.compare(sent.header, good.header);
  if (status === 'SUCCESS') holds(authentic, 'a packet that was changed is refused');
  else if (changes.length === 0) holds(false, 'a packet as it was sealed is taken', () => status);
  return status;
}
