import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { type Spa, spa } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import type { Struct } from '@sevlab/codec/layout';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { POLICY } from '@sevlab/codec/sev/policy';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { RESPONSE_READY } from '@sevlab/machine/devices/mailbox';
import type { Machine } from '@sevlab/machine/machine';
import { makeCertificate, signCertificate, withSlot } from '@sevlab/sev-channel/certificate';
import { bindsLaunch } from '@sevlab/sev-channel/measurement';
import { generateKeyPair } from '@sevlab/sev-channel/p384';
import { decryptPacket, packetMac, transportMac } from '@sevlab/sev-channel/packet';
import type { GuestState } from '../src/guest.ts';
import { serve } from '../src/mailbox.ts';
import type { ProfileName } from '../src/profile.ts';
import type { SecureProcessor } from '../src/secure-processor.ts';
import { SUPPORT } from '../src/support.ts';
import { placeVmsa } from '../src/vmsa-cells.ts';
import { certificatesOf, runningGuest, sendStart } from './migration.ts';
import { createPlatform, initialise, launchGuest, makeOffer, type Platform } from './platform.ts';

/** How far a platform, or a guest on it, is before random commands come. */
export const BEGINNINGS = [
  'UNINIT',
  'INIT',
  'LUPDATE',
  'LSECRET',
  'RUNNING',
  'SUPDATE',
  'RUPDATE',
  'SEV-ES',
  'SEV-ES SUPDATE',
  'SEV-ES RUPDATE',
] as const;
export type Beginning = (typeof BEGINNINGS)[number];

/** A platform to be abused, through registers and memory only. */
export interface Arena {
  readonly machine: Machine;
  readonly sp: SecureProcessor;
}

/** Host memory that the command buffers speak of: 64 KiB each. */
const ROLES = [
  'command',
  'certificate',
  'session',
  'header',
  'packet',
  'guest',
  'more',
  'chain',
  'roots',
] as const;
type Role = (typeof ROLES)[number];
const slot = (role: Role): Spa => spa(0x0200_0000n + BigInt(ROLES.indexOf(role)) * 0x1_0000n);
export const SLOT_SIZE = 0x1_0000;
const TMR = spa(0x4000_0000n);
const NV_AREA = spa(0x3000_0000n);
const ES_ASID = 5;

const bases = new Map<string, Platform>();

/** A fork of a platform that is so far, with good certificates in the slots where they belong. */
export function createArena(profile: ProfileName, beginning: Beginning): Arena {
  const name = `${profile} ${beginning}`;
  let base = bases.get(name);
  if (base === undefined) {
    base = begin(profile, beginning);
    bases.set(name, base);
  }
  const observer = createObserver();
  const machine = base.machine.fork(observer);
  const sp = base.sp.fork(machine.secureProcessor);
  machine.mailbox.connect(serve(sp, observer));
  return { machine, sp };
}

function begin(profile: ProfileName, beginning: Beginning): Platform {
  const platform = createPlatform(profile);
  if (beginning === 'UNINIT') return platform;
  initialise(platform);
  placeCertificates(platform);
  const { sp } = platform;
  switch (beginning) {
    case 'INIT':
      break;
    case 'RUNNING':
      runningGuest(platform, 0);
      break;
    case 'SUPDATE':
      sendStart(platform, runningGuest(platform, 0).handle, certificatesOf(platform));
      break;
    case 'SEV-ES':
    case 'SEV-ES SUPDATE':
    case 'SEV-ES RUPDATE': {
      Object.assign(sp.state, { es: true, tmr: { paddr: TMR, enabled: true } });
      const guest = sp.guest(launchGuest(platform, POLICY.ES, ES_ASID));
      placeVmsa(sp, guest, slot('guest'), new Uint8Array(4096).fill(1));
      if (beginning === 'SEV-ES SUPDATE') guest.state = 'SUPDATE';
      if (beginning === 'SEV-ES RUPDATE') guest.state = 'RUPDATE';
      break;
    }
    default:
      Object.assign(sp.guest(launchGuest(platform, 0)), { state: beginning });
  }
  return platform;
}

/** Good ones, in the slots where they belong. */
function placeCertificates(platform: Platform): void {
  const { memory } = platform.machine.host;
  const { pdh, platform: chain, amd } = certificatesOf(platform);
  memory.write(slot('certificate'), SevCertificate.encode(pdh));
  memory.write(slot('chain'), concat(...chain.map((each) => SevCertificate.encode(each))));
  memory.write(slot('roots'), concat(...amd));
}

/** Numbers out of random bytes; zeros when they are used up. */
function drawFrom(bytes: Uint8Array) {
  let at = 0;
  const next = (): number => bytes[at++] ?? 0;
  const wide = (size: number): bigint => {
    let value = 0n;
    for (let i = 0; i < size; i++) value = (value << 8n) | BigInt(next());
    return value;
  };
  const below = (limit: number): number => Number(wide(2)) % limit;
  return { next, wide, below, oneOf: <T>(values: readonly T[]): T => values[below(values.length)]! };
}
type Draw = ReturnType<typeof drawFrom>;

/** Bytes of randomness that one command takes at most. */
export const COMMAND_RANDOMNESS = 192;

const NAMES = Object.keys(COMMAND_ID) as CommandName[]; // keys of a literal record
/** Most draws: commands that are there, and do not end everything. */
const FRUITFUL = NAMES.filter(
  (name) => SUPPORT[name].command && name !== 'SHUTDOWN' && name !== 'DECOMMISSION',
);

/** The lengths that are right for a field, of a certain command or of any. */
const RIGHT_LENGTHS: Readonly<Record<string, readonly number[]>> = {
  dhCertLen: [0x824],
  pdhCertLen: [0x824],
  pekLen: [0x824],
  ocaLen: [0x824],
  pdhLen: [0x824],
  csrLen: [0x824],
  certsLen: [0x186c],
  platCertsLen: [0x186c],
  amdCertsLen: [0xc80],
  sessionLen: [0x80],
  hdrLen: [0x34],
  idLen: [0x40],
  measureLen: [0x30],
  tmrLen: [0x10_0000],
  nvLen: [0x8000],
  exLen: [0x18],
  numIds: [1],
  'INIT_EX length': [0x24],
  'ATTESTATION length': [0xd0],
  'COPY length': [0x1000, 0x2000],
  'LAUNCH_UPDATE_VMSA length': [0x1000],
  'SEND_UPDATE_VMSA guestLen': [0x1000],
  'SEND_UPDATE_VMSA transLen': [0x1000],
  'RECEIVE_UPDATE_VMSA guestLen': [0x1000],
  'RECEIVE_UPDATE_VMSA transLen': [0x1000],
  length: [16, 64, 0x1000, 0x5010],
  guestLen: [16, 0x1000, 0x1000],
  transLen: [16, 0x1000, 0x1000],
};

/** Which slot an address means. */
const ROLE_OF: Readonly<Record<string, Role>> = {
  dhCertPaddr: 'certificate',
  pdhCertPaddr: 'certificate',
  pekPaddr: 'chain',
  ocaPaddr: 'certificate',
  platCertsPaddr: 'chain',
  amdCertsPaddr: 'roots',
  sessionPaddr: 'session',
  hdrPaddr: 'header',
  transPaddr: 'packet',
  dstPaddr: 'more',
  guestPaddr: 'guest',
};

function drawAddress(draw: Draw, usual: Spa, careful: boolean): Spa {
  if (careful) return usual;
  const way = draw.below(64);
  const offset = BigInt(draw.oneOf([0, 0, 0, 8, 16, 0x800, 0xff0]));
  const cBit = draw.below(8) === 0 ? 1n << 51n : 0n;
  if (way < 58) return spa((usual + (way < 50 ? 0n : offset)) | cBit);
  const edges = [
    0xa_0000n,
    0xb_fff0n,
    0x8000_0000n,
    0x9000_0000n,
    0x1_0000_0000n,
    0x3ffd_0000_0000n,
    1n << 64n,
  ];
  if (way < 62) return spa(BigInt.asUintN(64, draw.oneOf(edges) - offset));
  return spa(way === 62 ? slot(draw.oneOf(ROLES)) + offset : draw.wide(8));
}

/** How a command is drawn: with nothing wrong in its buffer, perhaps, and which of the right lengths it has. */
interface Choice {
  readonly careful: boolean;
  readonly length: number;
}

function drawField(
  draw: Draw,
  sp: SecureProcessor,
  command: string,
  { name, size }: Struct<unknown>['rows'][number],
  choice: Choice,
): number | bigint | Uint8Array {
  if (size === 16) return new Uint8Array(16).map(() => draw.next());
  const { careful } = choice;
  const wild = !careful && draw.below(20) === 0;
  if (size === 8) {
    const usual =
      name === 'tmrPaddr'
        ? TMR
        : name === 'nvPaddr'
          ? draw.oneOf([NV_AREA, spa(0n)])
          : slot(ROLE_OF[name] ?? 'guest');
    return wild ? draw.wide(8) : drawAddress(draw, usual, careful);
  }
  const limit = 2 ** (8 * size);
  if (wild) return Number(draw.wide(4)) % limit;
  const right = RIGHT_LENGTHS[`${command} ${name}`] ?? RIGHT_LENGTHS[name];
  if (right !== undefined) {
    const usual = right[choice.length % right.length]!;
    return careful || draw.below(8) !== 0 ? usual : draw.oneOf([0, usual - 1, usual + 1]);
  }
  switch (name) {
    case 'handle':
      if (careful) return command.endsWith('START') && command !== 'SEND_START' ? 0 : 1;
      return draw.oneOf([0, 1, 1, 1, 1, 1, 1, 2, 3, ...sp.state.guests.keys()]);
    case 'asid':
      return draw.oneOf([0, 1, 5, 100, 101, 102, 1006, 1007]);
    case 'policy':
      if (careful) return draw.oneOf([0, 1]);
      return draw.oneOf([0, 1, 4, 5, 0x11, 0x21, 0x3701_0000, 0x40]);
    case 'flags':
      if (careful) return draw.oneOf([0, 1]);
      return draw.oneOf([0, 0, 1, 2]);
    default:
      return 0;
  }
}

/** What leads on from a guest's state. */
const FITTING: Readonly<Partial<Record<GuestState, readonly CommandName[]>>> = {
  LUPDATE: [
    'LAUNCH_UPDATE_DATA',
    'LAUNCH_UPDATE_VMSA',
    'LAUNCH_MEASURE',
    'COPY',
    'DBG_DECRYPT',
    'DBG_ENCRYPT',
  ],
  LSECRET: ['LAUNCH_SECRET', 'LAUNCH_SECRET', 'ATTESTATION', 'LAUNCH_FINISH'],
  RUNNING: ['SEND_START', 'ATTESTATION', 'COPY'],
  SUPDATE: ['SEND_UPDATE_DATA', 'SEND_UPDATE_VMSA', 'SEND_UPDATE_VMSA', 'SEND_FINISH', 'SEND_CANCEL'],
  RUPDATE: ['RECEIVE_UPDATE_DATA', 'RECEIVE_UPDATE_VMSA', 'RECEIVE_UPDATE_VMSA', 'RECEIVE_FINISH'],
};

/** Half of the time what may succeed, and else anything. */
function candidates(draw: Draw, sp: SecureProcessor): readonly CommandName[] {
  if (draw.below(16) === 0) return NAMES;
  const guest = sp.state.guests.get(1);
  return (guest && draw.below(2) === 0 && FITTING[guest.state]) || FRUITFUL;
}

/** More than this would take long, and shows nothing that less does not. */
const LONGEST = 0x2_0000;
const WORKS_IN_PIECES: readonly CommandName[] = [
  'LAUNCH_UPDATE_DATA',
  'LAUNCH_UPDATE_VMSA',
  'COPY',
  'DBG_DECRYPT',
  'DBG_ENCRYPT',
];

/** What went through the registers. */
export interface Issued {
  readonly id: number;
  /** Undefined for a number that no command has. */
  readonly name: CommandName | undefined;
  readonly bufferPaddr: Spa;
  /** The command buffer as it was written. */
  readonly buffer: Uint8Array;
  /** CmdResp afterwards. */
  readonly response: number;
}

/** Draws one command, places what it needs, and issues it through the registers. `prepared` runs in between. */
export function issueRandom(arena: Arena, random: Uint8Array, prepared: () => void = () => {}): Issued {
  const { machine, sp } = arena;
  const { memory } = machine.host;
  const draw = drawFrom(random);
  if (draw.below(6) === 0) machine.host.wbinvd(draw.oneOf([undefined, 0, 1]));
  const choice = { careful: draw.below(2) === 0, length: draw.next() };
  const id = draw.below(40) === 0 ? draw.next() : COMMAND_ID[draw.oneOf(candidates(draw, sp))];
  const name = NAMES.find((each) => COMMAND_ID[each] === id);
  const bufferPaddr = drawAddress(draw, slot('command'), choice.careful);
  const layout = name && SUPPORT[name].command?.buffer;
  const buffer =
    layout === undefined || (!choice.careful && draw.below(16) === 0)
      ? noise(draw)
      : drawBuffer(draw, sp, `${name}`, layout, choice);
  if (name !== undefined && layout !== undefined && WORKS_IN_PIECES.includes(name)) shorten(layout, buffer);
  if ((choice.careful || draw.below(4) !== 0) && name !== undefined && layout !== undefined)
    makeGood(arena, draw, name, layout, buffer);
  const bufferAt = spa(bufferPaddr & ~(1n << 51n));
  const isMemory = sp.reachable(bufferAt, buffer.length) === 'SUCCESS';
  if (isMemory) memory.write(bufferAt, buffer);
  prepared();
  machine.mailbox.write('CmdBufAddr_Lo', Number(bufferPaddr & 0xffff_ffffn));
  machine.mailbox.write('CmdBufAddr_Hi', Number(bufferPaddr >> 32n));
  machine.mailbox.write('CmdResp', id << 16);
  return { id, name, bufferPaddr, buffer, response: machine.mailbox.read('CmdResp') };
}

/** As long as the longest command buffer. */
const noise = (draw: Draw): Uint8Array => new Uint8Array(0x48).map(() => draw.next());

/** Reserved fields are mostly zero, as anybody would have them. */
function drawBuffer(
  draw: Draw,
  sp: SecureProcessor,
  command: string,
  layout: Struct<unknown>,
  choice: Choice,
): Uint8Array {
  const buffer = new Uint8Array(layout.paddedSize);
  for (const row of layout.rows) {
    const { offset, size, type } = row;
    if (type.startsWith('reserved(')) {
      if (!choice.careful && draw.below(64) === 0) buffer[offset] = 1;
      continue;
    }
    setField(buffer, offset, size, drawField(draw, sp, command, row, choice));
  }
  return buffer;
}

function setField(
  buffer: Uint8Array,
  offset: number,
  size: number,
  value: number | bigint | Uint8Array,
): void {
  if (value instanceof Uint8Array) buffer.set(value, offset);
  else for (let i = 0; i < size; i++) buffer[offset + i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
}

/** The numbers of a command buffer by field; fields of 16 bytes are left out. */
export function fieldsOf(layout: Struct<unknown>, buffer: Uint8Array): Record<string, bigint> {
  const fields: Record<string, bigint> = {};
  for (const { name, offset, size } of layout.rows) {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(buffer[offset + i] ?? 0);
    fields[name] = value;
  }
  return fields;
}

function shorten(layout: Struct<unknown>, buffer: Uint8Array): void {
  const row = layout.rows.find(({ name }) => name === 'length')!;
  const { length = 0n } = fieldsOf(layout, buffer);
  if (length > LONGEST) setField(buffer, row.offset, row.size, length % BigInt(LONGEST));
}

/** Puts into memory what makes the command good, as far as addresses and lengths let it be. */
function makeGood(
  { machine, sp }: Arena,
  draw: Draw,
  name: CommandName,
  layout: Struct<unknown>,
  buffer: Uint8Array,
): void {
  const fields = fieldsOf(layout, buffer);
  const put = (paddr: bigint | undefined, bytes: Uint8Array) => {
    if (paddr === undefined || sp.reachable(spa(paddr), bytes.length) !== 'SUCCESS') return;
    machine.host.memory.write(spa(paddr & ~(1n << 51n)), bytes);
  };
  const policy = Number(fields.policy ?? 0n);
  if ((name === 'LAUNCH_START' || name === 'RECEIVE_START') && sp.state.platform !== 'UNINIT') {
    const offer = offerFor(sp, policy);
    put(fields.dhCertPaddr ?? fields.pdhCertPaddr, SevCertificate.encode(offer.certificate));
    put(fields.sessionPaddr, LaunchSession.encode(offer.session));
    return;
  }
  if (name === 'PEK_CERT_IMPORT' && sp.state.platform === 'INIT') {
    const owned = ownedBy(sp);
    put(fields.pekPaddr, owned.pek);
    put(fields.ocaPaddr, owned.oca);
    return;
  }
  const guest = sp.state.guests.get(Number(fields.handle ?? 0n));
  const length = Number(fields.transLen ?? 0n);
  if (guest === undefined || length > 0x5000 || fields.transPaddr === undefined || name.startsWith('SEND'))
    return;
  const { tek, tik } = guest.channel;
  const iv = new Uint8Array(16).map(() => draw.next());
  const data = decryptPacket(tek, iv, new Uint8Array(length));
  const header = { flags: draw.oneOf([0, 0, 0, 1]), iv };
  const packet = { tik, header, guestLen: Number(fields.guestLen), data };
  const measure = bindsLaunch(sp.state.profile.version) ? guest.measure : undefined;
  const context = name === 'RECEIVE_UPDATE_VMSA' ? sp.state.profile.vmsaContext : 2;
  const mac =
    name === 'LAUNCH_SECRET' ? packetMac({ ...packet, measure }) : transportMac({ ...packet, context });
  put(fields.hdrPaddr, PacketHeader.encode({ ...header, mac }));
  put(fields.transPaddr, data);
}

/** An owner's self-signed OCA, and the platform's PEK signed by it. */
export function ownedBy(sp: SecureProcessor): { readonly pek: Uint8Array; readonly oca: Uint8Array } {
  const entropy = seededEntropy('test', 'owner');
  const key = generateKeyPair(entropy);
  const usage = { usage: KEY_USAGE.OCA, algo: KEY_ALGO.ECDSA_SHA256, apiMajor: 0, apiMinor: 0 };
  const by = { usage: KEY_USAGE.OCA, d: key.d };
  const oca = signCertificate(makeCertificate({ ...usage, point: key }), 1, by, entropy);
  const none = { usage: KEY_USAGE.NONE, algo: KEY_ALGO.NONE, signature: new Uint8Array(0x200) };
  const pek = signCertificate(withSlot(sp.identity.pek.certificate, 2, none), 1, by, entropy);
  return { pek: SevCertificate.encode(pek), oca: SevCertificate.encode(oca) };
}

const offers = new WeakMap<object, Map<number, ReturnType<typeof makeOffer>>>();

/** The offer for the platform's present PDH, made once. */
function offerFor(sp: SecureProcessor, policy: number): ReturnType<typeof makeOffer> {
  const { pdh } = sp.identity;
  const known = offers.get(pdh) ?? new Map<number, ReturnType<typeof makeOffer>>();
  offers.set(pdh, known);
  const offer = known.get(policy) ?? makeOffer({ sp }, policy);
  known.set(policy, offer);
  return offer;
}

/** The status in CmdResp, and whether the registers say that this command was answered. */
export const answerOf = ({ id, response }: Issued): { answered: boolean; code: number } => ({
  answered: response >>> 16 === ((RESPONSE_READY >>> 16) | id),
  code: response & 0xffff,
});
