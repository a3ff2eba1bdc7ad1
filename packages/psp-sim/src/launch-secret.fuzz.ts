import { createObserver } from '@sevlab/ambient/observer';
import { spa } from '@sevlab/codec/address';
import { LaunchSecretBuffer } from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { SEV_STATUS } from '@sevlab/codec/sev/status';
import { sealPacket } from '@sevlab/sev-channel/packet';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPlatform, initialise, launchGuest, measureGuest } from '../test/platform.ts';
import type { Guest } from './guest.ts';
import { serve } from './mailbox.ts';
import type { ProfileName } from './profile.ts';

/** Everything that the host or an attacker may have wrong in an injection. One bit of it is. */
interface Injection {
  header: Uint8Array;
  data: Uint8Array;
  hdrLen: number;
  guestLen: number;
  transLen: number;
  tik: Uint8Array;
  measure: Uint8Array;
}
const LENGTHS = ['hdrLen', 'guestLen', 'transLen'] as const;
const BYTES = ['header', 'data', 'tik', 'measure'] as const;

const bases = (['genoa-1.55', 'spec'] as const).map((profile: ProfileName) => {
  const platform = createPlatform(profile);
  initialise(platform);
  const handle = launchGuest(platform);
  const { measure } = measureGuest(platform, handle);
  return { platform, handle, measure };
});

const GUEST = spa(0x0800_0000n);
const COMMAND = spa(0x0900_0000n);

/** LAUNCH_SECRET through the registers, on a fork: its status, and whether DRAM is the same afterwards. */
function inject({ platform, handle }: (typeof bases)[number], injection: Injection) {
  const observer = createObserver();
  const machine = platform.machine.fork(observer);
  const sp = platform.sp.fork(machine.secureProcessor);
  machine.mailbox.connect(serve(sp, observer));
  const guest = sp.guest(handle);
  const { tik, measure, header, data, hdrLen, guestLen, transLen } = injection;
  Object.assign(guest, { channel: { ...guest.channel, tik }, measure } satisfies Partial<Guest>);
  const { memory } = machine.host;
  const hdrPaddr = spa(0x0a00_0000n);
  const transPaddr = spa(0x0b00_0000n);
  memory.write(hdrPaddr, header);
  memory.write(transPaddr, data);
  const cmd = { handle, hdrPaddr, hdrLen, guestPaddr: GUEST, guestLen, transPaddr, transLen };
  memory.write(COMMAND, LaunchSecretBuffer.encode(cmd));
  const cells = () => [...memory.touchedPages()];
  const before = cells();
  machine.mailbox.write('CmdBufAddr_Lo', Number(COMMAND));
  machine.mailbox.write('CmdBufAddr_Hi', 0);
  machine.mailbox.write('CmdResp', 0x034 << 16);
  const code = machine.mailbox.read('CmdResp') & 0xffff;
  const after = cells();
  const same =
    before.length === after.length &&
    before.every(
      ({ spa: at, cells: old }, i) => at === after[i]!.spa && !Buffer.compare(old, after[i]!.cells),
    );
  return { code, same };
}

function good({ platform, handle, measure }: (typeof bases)[number], plaintext: Uint8Array): Injection {
  const { tek, tik } = platform.sp.guest(handle).channel;
  const { header, data } = sealPacket({ tek, tik, measure, iv: new Uint8Array(16).fill(7), plaintext });
  return {
    header: PacketHeader.encode(header),
    data,
    hdrLen: PacketHeader.size,
    guestLen: data.length,
    transLen: data.length,
    tik,
    measure,
  };
}

/** The injection with one bit turned over: of the byte fields one after another, then of each length. */
function flipped(injection: Injection, bit: number): Injection {
  let rest = bit;
  for (const field of BYTES) {
    const bytes = injection[field];
    if (rest < 8 * bytes.length) {
      const turned = bytes.slice();
      turned[rest >> 3]! ^= 1 << (rest & 7);
      return { ...injection, [field]: turned };
    }
    rest -= 8 * bytes.length;
  }
  const field = LENGTHS[Math.floor(rest / 32)]!;
  return { ...injection, [field]: (injection[field] ^ (1 << (rest % 32))) >>> 0 };
}
const bitsOf = (injection: Injection): number =>
  BYTES.reduce((bits, field) => bits + 8 * injection[field].length, 32 * LENGTHS.length);

const { BAD_MEASUREMENT, INVALID_LENGTH, SUCCESS } = SEV_STATUS;
const REFUSED: readonly number[] = [BAD_MEASUREMENT.code, INVALID_LENGTH.code];

test.each(bases)('LAUNCH_SECRET refuses a packet with any one bit wrong, and writes nothing', (base) => {
  const injection = good(base, new Uint8Array(20).fill(0x5a));
  expect(inject(base, injection)).toEqual({ code: SUCCESS.code, same: false });
  const refusals = Array.from({ length: bitsOf(injection) }, (_, bit) =>
    inject(base, flipped(injection, bit)),
  );
  const lengths = 32 * LENGTHS.length;
  const wrong = refusals.map(({ code, same }) => `${code} ${same}`);
  expect(new Set(wrong.slice(0, -lengths))).toEqual(new Set([`${BAD_MEASUREMENT.code} true`]));
  // where HDR_LEN may be longer than the header, a longer one is no fault
  const lengthCodes = new Set(wrong.slice(-lengths));
  lengthCodes.delete(`${INVALID_LENGTH.code} true`);
  expect([...lengthCodes]).toEqual(
    base.platform.sp.state.profile.headerLengthExact ? [] : [`${SUCCESS.code} false`],
  );
});

test('the same for any plaintext, and when both lengths are wrong alike', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...bases),
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.nat(),
      fc.nat(31),
      (base, plaintext, bit, lengthBit) => {
        const injection = good(base, plaintext);
        const content = bitsOf(injection) - 32 * LENGTHS.length;
        expect(inject(base, flipped(injection, bit % content))).toEqual({
          code: BAD_MEASUREMENT.code,
          same: true,
        });

        const length = (injection.guestLen ^ (1 << lengthBit)) >>> 0;
        const { code, same } = inject(base, { ...injection, guestLen: length, transLen: length });
        expect([REFUSED.includes(code), same]).toEqual([true, true]);
      },
    ),
  );
});
