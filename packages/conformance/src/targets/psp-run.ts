import { type Gpa, gpa, type Spa, spa } from '@sevlab/codec/address';
import type { LaunchMeasurement } from '@sevlab/codec/sev/session';
import type { CommandStep, FieldValue, GuestName, PspGiven } from '../case.ts';
import type { Passage } from '../passage.ts';
import type { Fields, Issued } from './raw-host.ts';
import { locateWhole, type Platform } from './sim-platform.ts';
import { type Keys, NO_KEYS, type Packet, type Tenant } from './tenant.ts';

/** `target`: where in the guest, and how many bytes. */
export const TARGET: Gpa = gpa(0x10_0000n);
export const TARGET_SIZE = 0x1_0000;
export const GUEST_SIZE = 0x20_0000n;
export const NV_SIZE = 0x8000;
export const TMR_SIZE = 0x10_0000;
/** Above all memory that the SEV firmware takes. */
const UNUSABLE = 0x4000_0000_0000n;
/** Below 4 GiB, where devices are. */
const HOLE = 0x9000_0000n;
/** The end of memory below 4 GiB. */
export const TOP = 0x8000_0000n;

/** ASIDs of the two guests, without SEV-ES and with it: 100 is the lowest that needs no SEV-ES. */
const ASIDS = { plain: { first: 100, second: 101 }, es: { first: 10, second: 11 } } as const;

/** What the examiner knows of a guest. */
export interface LaunchedGuest {
  readonly handle: number;
  readonly policy: number;
  readonly keys: Keys;
  asid: number | undefined;
  measurement: LaunchMeasurement | undefined;
  /** What LAUNCH_UPDATE_DATA and LAUNCH_UPDATE_VMSA measured, in order. */
  readonly measured: Uint8Array[];
}

/** A run of one case. Everything but the platform is plain data, and the tenant, whom nothing changes. */
export interface Run {
  readonly platform: Platform;
  readonly given: PspGiven;
  readonly policy: number;
  /** The machine's number for the memory that every guest of the case has. */
  readonly machineGuest: number;
  readonly target: Spa;
  readonly page: Spa;
  readonly nv: Spa;
  readonly tmr: Spa;
  tenant: Tenant | undefined;
  readonly guests: Partial<Record<GuestName, LaunchedGuest>>;
  latest: GuestName;
  /** The target's cells before the first step. */
  readonly start: Uint8Array;
  /** And before the last command. */
  before: Uint8Array;
  /** What the last command meant for the guest: `offset` in the target, and the packet's data if there was one. */
  meant: { readonly offset: number; readonly plain: Uint8Array; readonly data?: Uint8Array } | undefined;
  last: Issued | undefined;
  /** Where the last command was told to write. */
  reply: Spa;
  /** The same of the last such command. */
  readonly replies: Partial<Record<string, Spa>>;
  readonly seen: Record<string, Uint8Array>;
  packet: Packet | undefined;
  /** What SEND_START and SEND_UPDATE gave, and the keys that the receiver has. */
  sentSession: Uint8Array | undefined;
  sentPacket: Packet | undefined;
  sentKeys: Keys | undefined;
  /** The steps of the case so far. */
  readonly passages: Passage[];
}

/** Memory for a guest, on a platform that was just switched on. */
export function switchOn(given: PspGiven, platform: Platform): Run {
  const { raw } = platform;
  const machineGuest = raw.host.createGuest([{ gpa: gpa(0n), length: GUEST_SIZE }]);
  const target = locateWhole(raw, machineGuest, TARGET, TARGET_SIZE);
  const untouched = new Uint8Array(TARGET_SIZE).fill(0xee);
  raw.host.memory.write(target, untouched);
  const nv = raw.place(new Uint8Array(NV_SIZE).fill(0xff));
  return {
    ...{ platform, given, machineGuest, target, nv },
    policy: Number(given.policy ?? (given.es ? 5 : 1)),
    page: raw.reserve(TARGET_SIZE),
    tmr: raw.reserve(TMR_SIZE, TMR_SIZE),
    ...{ start: untouched, before: untouched, latest: 'first', reply: spa(0n) },
    ...{ guests: {}, replies: {}, seen: {}, passages: [] },
    ...{ tenant: undefined, meant: undefined, last: undefined, packet: undefined },
    ...{ sentSession: undefined, sentPacket: undefined, sentKeys: undefined },
  };
}

/** The same run up to here, on a fork of its platform; the two go on apart. */
export function forkRun(run: Run, platform: Platform): Run {
  const guests = Object.fromEntries(
    Object.entries(run.guests).map(([name, guest]) => [name, { ...guest, measured: [...guest.measured] }]),
  );
  return {
    ...run,
    platform,
    guests,
    replies: { ...run.replies },
    seen: { ...run.seen },
    passages: [...run.passages],
  };
}

/** Whom a step is about. A guest that was never launched has the handle that the first one would get. */
export function guestOf(run: Run, who: GuestName = run.latest): LaunchedGuest {
  const unknown = { asid: undefined, measurement: undefined, measured: [] };
  return run.guests[who] ?? { handle: 1, policy: run.policy, keys: NO_KEYS, ...unknown };
}

/** The ASID that a guest gets unless the case says otherwise. */
export const asidFor = ({ given }: Run, who: GuestName): number => ASIDS[given.es ? 'es' : 'plain'][who];

/** Changed fields under the names of the layout: GUEST_PADDR is guestPaddr. */
export function changedFields(run: Run, { fields = {}, who }: CommandStep): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const number = resolve(run, value, who);
      return [layoutName(name), name.endsWith('PADDR') ? number : Number(number)];
    }),
  );
}

const layoutName = (name: string): string =>
  name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The number that a field or a place of a case stands for. */
export function resolve(run: Run, value: FieldValue, who?: GuestName): bigint {
  const symbols: Readonly<Record<string, bigint>> = {
    ...{ target: run.target, page: run.page, nv: run.nv, tmr: run.tmr, reply: run.reply },
    ...{ unusable: UNUSABLE, hole: HOLE, top: TOP },
    guest: BigInt(guestOf(run, who).handle),
    first: BigInt(guestOf(run, 'first').handle),
    second: BigInt(guestOf(run, 'second').handle),
  };
  const [, symbol = '', sign = '+', offset = '0'] =
    /^([a-z]+)(?:([+-])(\d+|0x[0-9a-f]+))?$/.exec(String(value)) ?? [];
  const base = symbols[symbol];
  if (base === undefined) return BigInt(value);
  return sign === '+' ? base + BigInt(offset) : base - BigInt(offset);
}
