import { createObserver } from '@sevlab/ambient/observer';
import { type Spa, spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import { AttestationReport } from '@sevlab/codec/sev/attestation';
import { CERT_CHAIN_SIZE, SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  ActivateBuffer,
  ActivateExBuffer,
  AttestationBuffer,
  type CommandName,
  CopyBuffer,
  DebugBuffer,
  GetIdBuffer,
  GuestStatusBuffer,
  HandleBuffer,
  InitBuffer,
  InitExBuffer,
  LaunchMeasureBuffer,
  LaunchSecretBuffer,
  LaunchStartBuffer,
  LaunchUpdateBuffer,
  PdhCertExportBuffer,
  PekCertImportBuffer,
  PekCsrBuffer,
  PlatformStatusBuffer,
  ReceiveStartBuffer,
  ReceiveUpdateBuffer,
  SendStartBuffer,
  SendUpdateBuffer,
} from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { POLICY } from '@sevlab/codec/sev/policy';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { sealTransport } from '@sevlab/sev-channel/packet';
import { expect, test } from 'vitest';
import { certificatesOf, receiveStartBuffer, sendStartBuffer } from '../test/migration.ts';
import { createOwner, importBuffer, initExBuffer, requestPek, signPek } from '../test/owner.ts';
import {
  ASID,
  commandOf,
  createPlatform,
  initialise,
  launchGuest,
  measureGuest,
  secretBuffer,
  startBuffer,
} from '../test/platform.ts';
import { GUEST_STATE, type Guest, type GuestState } from './guest.ts';
import { emptyNvArea } from './nv-area.ts';
import type { PlatformState, SecureProcessor } from './secure-processor.ts';
import { SUPPORT } from './support.ts';
import { placeVmsa } from './vmsa-cells.ts';

/**
 * The state machines as tables, written down apart from the commands (firmware behaviour (Genoa 1.55)): every command
 * that is there, in every state, has the answer and the next state that the tables say.
 */

const ANY: readonly PlatformState[] = ['UNINIT', 'INIT', 'WORKING'];
const INITIALISED: readonly PlatformState[] = ['INIT', 'WORKING'];
const WORKING: readonly PlatformState[] = ['WORKING'];

/** In which platform states a command is allowed, and the state after it; `same` when it stays. */
const PLATFORM: Readonly<
  Partial<Record<CommandName, readonly [readonly PlatformState[], PlatformState | 'same']>>
> = {
  INIT: [['UNINIT'], 'INIT'],
  INIT_EX: [['UNINIT'], 'INIT'],
  SHUTDOWN: [ANY, 'UNINIT'],
  PLATFORM_RESET: [['UNINIT'], 'same'],
  PLATFORM_STATUS: [ANY, 'same'],
  PEK_GEN: [['INIT'], 'same'],
  PEK_CSR: [INITIALISED, 'same'],
  PEK_CERT_IMPORT: [['INIT'], 'same'],
  PDH_CERT_EXPORT: [INITIALISED, 'same'],
  PDH_GEN: [INITIALISED, 'same'],
  DF_FLUSH: [ANY, 'same'],
  GET_ID: [ANY, 'same'],
  NOP: [ANY, 'same'],
  DECOMMISSION: [WORKING, 'INIT'], // the guest is the last one
  ACTIVATE: [WORKING, 'same'],
  DEACTIVATE: [WORKING, 'same'],
  GUEST_STATUS: [INITIALISED, 'same'],
  LAUNCH_START: [INITIALISED, 'WORKING'],
  LAUNCH_UPDATE_DATA: [WORKING, 'same'],
  LAUNCH_MEASURE: [WORKING, 'same'],
  LAUNCH_SECRET: [WORKING, 'same'],
  LAUNCH_FINISH: [WORKING, 'same'],
  LAUNCH_UPDATE_VMSA: [WORKING, 'same'],
  ATTESTATION: [WORKING, 'same'],
  ACTIVATE_EX: [WORKING, 'same'],
  COPY: [WORKING, 'same'],
  DBG_DECRYPT: [WORKING, 'same'],
  DBG_ENCRYPT: [WORKING, 'same'],
  SEND_START: [WORKING, 'same'],
  SEND_UPDATE_DATA: [WORKING, 'same'],
  SEND_UPDATE_VMSA: [WORKING, 'same'],
  SEND_FINISH: [WORKING, 'same'],
  SEND_CANCEL: [WORKING, 'same'],
  RECEIVE_START: [INITIALISED, 'WORKING'],
  RECEIVE_UPDATE_DATA: [WORKING, 'same'],
  RECEIVE_UPDATE_VMSA: [WORKING, 'same'],
  RECEIVE_FINISH: [WORKING, 'same'],
};

type Slot = Exclude<GuestState, 'UNINIT'>;
const SLOTS = Object.keys(GUEST_STATE).filter((state): state is Slot => state !== 'UNINIT');
const ACTIVATIONS: readonly Guest['activation'][] = ['inactive', 'pending', 'active'];

interface GuestRow {
  readonly states: readonly Slot[];
  /** Whether the guest must have an ASID, or must have none; absent when it does not matter. */
  readonly asid?: boolean;
  readonly next: Slot | 'same' | 'gone';
  /** Which of two faults speaks; default: the state. */
  readonly first?: 'asid';
  /** What the guest must be else. */
  readonly guest?: Partial<Guest>;
}

const GUEST: Readonly<Partial<Record<CommandName, GuestRow>>> = {
  LAUNCH_UPDATE_DATA: { states: ['LUPDATE'], asid: true, next: 'LUPDATE' },
  LAUNCH_MEASURE: { states: ['LUPDATE'], next: 'LSECRET' },
  LAUNCH_SECRET: { states: ['LSECRET'], asid: true, next: 'LSECRET' },
  LAUNCH_FINISH: { states: ['LSECRET'], next: 'RUNNING' },
  LAUNCH_UPDATE_VMSA: { states: ['LUPDATE'], asid: true, next: 'LUPDATE', guest: { policy: POLICY.ES } },
  ATTESTATION: { states: ['LSECRET', 'RUNNING', 'SUPDATE', 'SENT'], next: 'same' },
  ACTIVATE_EX: {
    states: SLOTS.filter((state) => state !== 'SENT'),
    asid: false,
    next: 'same',
    first: 'asid',
  },
  COPY: { states: SLOTS, asid: true, next: 'same' },
  DBG_DECRYPT: { states: SLOTS, asid: true, next: 'same', guest: { policy: 0 } },
  DBG_ENCRYPT: { states: SLOTS, asid: true, next: 'same', guest: { policy: 0 } },
  SEND_START: { states: ['RUNNING'], next: 'SUPDATE', guest: { policy: 0 } },
  SEND_UPDATE_DATA: { states: ['SUPDATE'], asid: true, next: 'same' },
  SEND_UPDATE_VMSA: {
    states: ['SUPDATE'],
    asid: true,
    next: 'same',
    guest: { policy: POLICY.ES },
  },
  SEND_FINISH: { states: ['SUPDATE'], next: 'SENT' },
  SEND_CANCEL: { states: ['SUPDATE'], next: 'RUNNING' },
  RECEIVE_UPDATE_DATA: { states: ['RUPDATE'], asid: true, next: 'same' },
  RECEIVE_UPDATE_VMSA: {
    states: ['RUPDATE'],
    asid: true,
    next: 'same',
    guest: { policy: POLICY.ES },
  },
  RECEIVE_FINISH: { states: ['RUPDATE'], next: 'RUNNING' },
  ACTIVATE: { states: SLOTS.filter((state) => state !== 'SENT'), asid: false, next: 'same', first: 'asid' },
  DEACTIVATE: { states: SLOTS, asid: true, next: 'same' },
  DECOMMISSION: { states: SLOTS, asid: false, next: 'gone' },
  GUEST_STATUS: { states: SLOTS, next: 'same' },
};

/** A platform with one guest in LSECRET, and a buffer for each command in which nothing is wrong. */
const base = createPlatform();
initialise(base);
Object.assign(base.sp.state, { es: true, tmr: { paddr: spa(0x2000_0000n), enabled: true } });
const handle = launchGuest(base);
const { measure } = measureGuest(base, handle);
const vmsa = base.place(new Uint8Array(4096));
placeVmsa(base.sp, base.sp.guest(handle), vmsa, new Uint8Array(4096));

function bufferOf<T>(layout: Struct<T>, value: T): Uint8Array {
  const bytes = new Uint8Array(layout.paddedSize);
  layout.encodeInto(bytes, value);
  return bytes;
}

const room = base.place(new Uint8Array(0), 0x10000);
const NONE = new Uint8Array(0);
const owner = createOwner();

/** The buffer of RECEIVE_UPDATE for a packet that fits the guest's channel. */
function transportBuffer(length: number): Uint8Array {
  const { channel } = base.sp.guest(handle);
  const plaintext = new Uint8Array(length);
  const { header, data } = sealTransport({ ...channel, context: 2, iv: new Uint8Array(16), plaintext });
  return bufferOf(ReceiveUpdateBuffer, {
    handle,
    hdrPaddr: base.place(PacketHeader.encode(header)),
    hdrLen: PacketHeader.size,
    guestPaddr: room,
    guestLen: length,
    transPaddr: base.place(data),
    transLen: length,
  });
}

/** The buffer of SEND_UPDATE for a range of the guest's memory. */
const sendBuffer = (guestPaddr: Spa, guestLen: number): Uint8Array =>
  bufferOf(SendUpdateBuffer, {
    handle,
    hdrPaddr: spa(room + 0x8000n),
    hdrLen: PacketHeader.size,
    guestPaddr,
    guestLen,
    transPaddr: spa(room + 0x4000n),
    transLen: guestLen,
  });
const BUFFERS: Readonly<Partial<Record<CommandName, Uint8Array>>> = {
  INIT: bufferOf(InitBuffer, { flags: 0, reserved02: 0, reserved04: 0, tmrPaddr: spa(0n), tmrLen: 0 }),
  INIT_EX: bufferOf(InitExBuffer, initExBuffer(base.place(emptyNvArea()))),
  PEK_CSR: bufferOf(PekCsrBuffer, { csrPaddr: room, csrLen: SevCertificate.size }),
  PEK_CERT_IMPORT: bufferOf(
    PekCertImportBuffer,
    importBuffer(base, signPek(owner, requestPek(base)), owner.oca),
  ),
  GET_ID: bufferOf(GetIdBuffer, { idPaddr: room, idLen: 0x40 }),
  PLATFORM_STATUS: new Uint8Array(PlatformStatusBuffer.paddedSize),
  PDH_CERT_EXPORT: bufferOf(PdhCertExportBuffer, {
    pdhPaddr: room,
    pdhLen: SevCertificate.size,
    certsPaddr: spa(room + 0x4000n),
    certsLen: CERT_CHAIN_SIZE,
  }),
  DECOMMISSION: bufferOf(HandleBuffer, { handle }),
  ACTIVATE: bufferOf(ActivateBuffer, { handle, asid: ASID + 1 }),
  DEACTIVATE: bufferOf(HandleBuffer, { handle }),
  GUEST_STATUS: bufferOf(GuestStatusBuffer, { handle, policy: 0, asid: 0, state: 0 }),
  LAUNCH_START: bufferOf(LaunchStartBuffer, startBuffer(base, 1)),
  LAUNCH_UPDATE_DATA: bufferOf(LaunchUpdateBuffer, { handle, paddr: room, length: 32 }),
  LAUNCH_MEASURE: bufferOf(LaunchMeasureBuffer, {
    handle,
    measurePaddr: room,
    measureLen: LaunchMeasurement.size,
  }),
  LAUNCH_SECRET: bufferOf(LaunchSecretBuffer, secretBuffer(base, handle, measure, new Uint8Array(32)).cmd),
  LAUNCH_FINISH: bufferOf(HandleBuffer, { handle }),
  LAUNCH_UPDATE_VMSA: bufferOf(LaunchUpdateBuffer, { handle, paddr: room, length: 4096 }),
  ATTESTATION: bufferOf(AttestationBuffer, {
    handle,
    paddr: room,
    mnonce: new Uint8Array(16),
    length: AttestationReport.size,
  }),
  ACTIVATE_EX: bufferOf(ActivateExBuffer, { exLen: 0x18, handle, asid: ASID + 1, numIds: 1, idsPaddr: room }),
  COPY: bufferOf(CopyBuffer, { handle, length: 4096, srcPaddr: room, dstPaddr: spa(room + 0x1000n) }),
  DBG_DECRYPT: bufferOf(DebugBuffer, { handle, srcPaddr: room, dstPaddr: spa(room + 32n), length: 32 }),
  DBG_ENCRYPT: bufferOf(DebugBuffer, { handle, srcPaddr: room, dstPaddr: spa(room + 32n), length: 32 }),
  SEND_START: bufferOf(SendStartBuffer, sendStartBuffer(base, handle, certificatesOf(base))),
  SEND_UPDATE_DATA: sendBuffer(room, 64),
  SEND_UPDATE_VMSA: sendBuffer(vmsa, 4096),
  SEND_FINISH: bufferOf(HandleBuffer, { handle }),
  SEND_CANCEL: bufferOf(HandleBuffer, { handle }),
  RECEIVE_START: bufferOf(ReceiveStartBuffer, receiveStartBuffer(base, 1)),
  RECEIVE_UPDATE_DATA: transportBuffer(64),
  RECEIVE_UPDATE_VMSA: transportBuffer(4096),
  RECEIVE_FINISH: bufferOf(HandleBuffer, { handle }),
};

/** Runs a command on a fork of the platform that `prepare` brought into a state. */
function attempt(name: CommandName, prepare: (sp: SecureProcessor) => void): [SevStatus, SecureProcessor] {
  const sp = base.sp.fork(base.machine.fork(createObserver()).secureProcessor);
  prepare(sp);
  const status = commandOf(name).run(sp, (BUFFERS[name] ?? NONE).slice(), () => {});
  return [status, sp];
}

const putGuest = (
  sp: SecureProcessor,
  state: Slot,
  activation: Guest['activation'],
  more?: Partial<Guest>,
): void => {
  Object.assign(sp.guest(handle), { state, activation, asid: activation === 'inactive' ? 0 : ASID, ...more });
};

const implemented = (Object.keys(SUPPORT) as CommandName[]).filter((name) => SUPPORT[name].command);

test('the table of platform states has every command that is there', () => {
  expect(Object.keys(PLATFORM).sort()).toEqual([...implemented].sort());
});

test.each(implemented.flatMap((name) => ANY.map((state) => [name, state] as const)))(
  '%s on a platform in %s',
  (name, state) => {
    const [allowed, next] = PLATFORM[name]!;
    const row = GUEST[name];
    const [status, sp] = attempt(name, (prepared) => {
      putGuest(
        prepared,
        row?.states[0] ?? 'LSECRET',
        row?.asid === false ? 'inactive' : 'pending',
        row?.guest,
      );
      prepared.state.platform = state;
    });
    const may = allowed.includes(state);
    expect(status).toBe(may ? 'SUCCESS' : 'INVALID_PLATFORM_STATE');
    expect(sp.state.platform).toBe(may && next !== 'same' ? next : state);
  },
);

function expected(row: GuestRow, state: Slot, activation: Guest['activation']): SevStatus {
  const has = activation !== 'inactive';
  const faults: [boolean, SevStatus][] = [
    [!row.states.includes(state), 'INVALID_GUEST_STATE'],
    [row.asid !== undefined && row.asid !== has, has ? 'ACTIVE' : 'INACTIVE'],
  ];
  if (row.first === 'asid') faults.reverse();
  return faults.find(([holds]) => holds)?.[1] ?? 'SUCCESS';
}

const guestRows = Object.entries(GUEST) as [CommandName, GuestRow][]; // entries of a literal record
const guestCommands = guestRows.map(([name]) => name);

test.each(
  guestRows.flatMap(([name, row]) =>
    SLOTS.flatMap((state) => ACTIVATIONS.map((activation) => ({ name, row, state, activation }))),
  ),
)('$name for a guest in $state, $activation', ({ name, row, state, activation }) => {
  const [status, sp] = attempt(name, (prepared) => putGuest(prepared, state, activation, row.guest));
  expect(status).toBe(expected(row, state, activation));
  if (status === 'SUCCESS' && row.next === 'gone') return expect(sp.hasGuest(handle)).toBe(false);
  const after = sp.guest(handle);
  expect(after.state).toBe(status === 'SUCCESS' && row.next !== 'same' ? row.next : state);
  if (status !== 'SUCCESS') expect(after.activation).toBe(activation);
});

test.each(guestCommands)('%s for a handle that names no guest', (name) => {
  const [status, sp] = attempt(name, ({ state }) => state.guests.delete(handle));
  expect(status).toBe(name === 'GUEST_STATUS' ? 'SUCCESS' : 'INVALID_GUEST');
  expect(sp.state.guests.size).toBe(0);
});

test.each([
  ['LAUNCH_FINISH', 'LSECRET', 'pending', 'active', ASID, 'inUse'],
  ['LAUNCH_FINISH', 'LSECRET', 'inactive', 'inactive', 0, undefined],
  ['RECEIVE_FINISH', 'RUPDATE', 'pending', 'active', ASID, 'inUse'],
  ['RECEIVE_FINISH', 'RUPDATE', 'inactive', 'inactive', 0, undefined],
  ['ACTIVATE', 'LUPDATE', 'inactive', 'pending', ASID + 1, 'allocated'],
  ['ACTIVATE', 'RUPDATE', 'inactive', 'pending', ASID + 1, 'allocated'],
  ['ACTIVATE', 'RUNNING', 'inactive', 'active', ASID + 1, 'inUse'],
  ['ACTIVATE', 'SUPDATE', 'inactive', 'active', ASID + 1, 'inUse'],
] as const)('%s in %s turns %s into %s', (name, state, before, activation, asid, asidState) => {
  const [status, sp] = attempt(name, (prepared) => putGuest(prepared, state, before));
  expect(status).toBe('SUCCESS');
  expect(sp.guest(handle)).toMatchObject({ activation, asid });
  if (asidState !== undefined) expect(sp.state.asids[asid]).toBe(asidState);
});

test.each([
  ['pending', 'clean', true],
  ['active', 'dirty', false],
] as const)('DEACTIVATE of a guest that was %s leaves its ASID %s', (activation, asidState, flushed) => {
  const [, sp] = attempt('DEACTIVATE', (prepared) => putGuest(prepared, 'RUNNING', activation));
  expect(sp.state.asids[ASID]).toBe(asidState);
  expect(sp.hardware.wbinvdDone().every((done) => done)).toBe(flushed);
});

test('DECOMMISSION of one guest of two leaves the platform WORKING', () => {
  const [status, sp] = attempt('DECOMMISSION', (prepared) => {
    putGuest(prepared, 'RUNNING', 'inactive');
    prepared.state.guests.set(7, { ...prepared.guest(handle) });
  });
  expect([status, sp.state.platform]).toEqual(['SUCCESS', 'WORKING']);
});
