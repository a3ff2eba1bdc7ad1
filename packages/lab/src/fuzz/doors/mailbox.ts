import type { Spa } from '@sevlab/codec/address';
import { spa } from '@sevlab/codec/address';
import type { CommandName } from '@sevlab/codec/sev/command';
import { SEV_STATUS, type SevStatus } from '@sevlab/codec/sev/status';
import { PROFILES, type ProfileName } from '@sevlab/psp-sim/profile';
import { SUPPORT } from '@sevlab/psp-sim/support';
import {
  type Arena,
  answerOf,
  BEGINNINGS,
  type Beginning,
  COMMAND_RANDOMNESS,
  createArena,
  fieldsOf,
  type Issued,
  issueRandom,
} from '@sevlab/psp-sim/test/random-commands';
import fc from 'fast-check';
import { arbitraryDoor, type Door, holds } from '../door.ts';

type Fields = Record<string, bigint>;
/** First byte and length, without the C-bit. */
type Range = readonly [start: bigint, length: bigint];

/** What a command writes besides its buffer, by the fields that name it; lengths as the firmware fixes them. */
const WRITES: Readonly<
  Partial<Record<CommandName, (fields: Fields) => readonly (readonly [bigint, bigint])[]>>
> = {
  PEK_CSR: ({ csrPaddr }) => [[csrPaddr!, 0x824n]],
  PDH_CERT_EXPORT: ({ pdhPaddr, certsPaddr }) => [
    [pdhPaddr!, 0x824n],
    [certsPaddr!, 0x186cn],
  ],
  GET_ID: ({ idPaddr }) => [[idPaddr!, 0x40n]],
  LAUNCH_UPDATE_DATA: ({ paddr, length }) => [[paddr!, length!]],
  LAUNCH_UPDATE_VMSA: ({ paddr }) => [[paddr!, 0x1000n]],
  LAUNCH_MEASURE: ({ measurePaddr }) => [[measurePaddr!, 0x30n]],
  LAUNCH_SECRET: ({ guestPaddr, guestLen }) => [[guestPaddr!, guestLen!]],
  ATTESTATION: ({ paddr }) => [[paddr!, 0xd0n]],
  COPY: ({ dstPaddr, length }) => [[dstPaddr!, length!]],
  SEND_START: ({ sessionPaddr }) => [[sessionPaddr!, 0x80n]],
  SEND_UPDATE_DATA: ({ hdrPaddr, transPaddr, guestLen }) => [
    [hdrPaddr!, 0x34n],
    [transPaddr!, guestLen!],
  ],
  SEND_UPDATE_VMSA: ({ hdrPaddr, transPaddr }) => [
    [hdrPaddr!, 0x34n],
    [transPaddr!, 0x1000n],
  ],
  RECEIVE_UPDATE_DATA: ({ guestPaddr, guestLen }) => [[guestPaddr!, guestLen!]],
  RECEIVE_UPDATE_VMSA: ({ guestPaddr }) => [[guestPaddr!, 0x1000n]],
  DBG_DECRYPT: ({ dstPaddr, length }) => [[dstPaddr!, length!]],
  DBG_ENCRYPT: ({ dstPaddr, length }) => [[dstPaddr!, length!]],
};

/** What may be half done when the command fails on the way. */
const MAY_STOP_HALFWAY: readonly CommandName[] = [
  'PDH_CERT_EXPORT',
  'LAUNCH_UPDATE_DATA',
  'COPY',
  'DBG_DECRYPT',
  'DBG_ENCRYPT',
];

const CHANGES_IDENTITY: readonly CommandName[] = ['INIT_EX', 'PEK_GEN', 'PEK_CERT_IMPORT', 'PDH_GEN'];
const PLACES_VMSA: readonly CommandName[] = ['LAUNCH_UPDATE_VMSA', 'RECEIVE_UPDATE_VMSA'];
const NV_AREA_SIZE = 0x8000n;
const TMR_SIZE = 0x10_0000n;

const C_BIT = 1n << 51n;

/** Where a command may have written. `tmr` and `nvArea` are where INIT_EX or INIT had put them before it. */
function allowed(
  { name, bufferPaddr, buffer }: Issued,
  status: SevStatus,
  tmr: bigint | undefined,
  nvArea: bigint | undefined,
): Range[] {
  const command = name && SUPPORT[name].command;
  if (name === undefined || command === undefined) return [];
  const fields = fieldsOf(command.buffer, buffer);
  const ranges: Range[] = [];
  const succeeded = status === 'SUCCESS';
  if (succeeded || MAY_STOP_HALFWAY.includes(name)) ranges.push(...(WRITES[name]?.(fields) ?? []));
  const writesBack =
    command.transfer === 'inout-length'
      ? succeeded || status === 'INVALID_LENGTH'
      : succeeded && (command.transfer === 'out' || command.transfer === 'inout');
  if (writesBack) ranges.push([bufferPaddr, BigInt(command.buffer.paddedSize)]);
  if (CHANGES_IDENTITY.includes(name)) {
    if (name === 'INIT_EX')
      ranges.push([fields.nvPaddr!, NV_AREA_SIZE]); // written before the TMR is looked at
    else if (nvArea !== undefined && succeeded) ranges.push([nvArea, NV_AREA_SIZE]);
  }
  if (PLACES_VMSA.includes(name) && tmr !== undefined) ranges.push([tmr, TMR_SIZE]);
  return ranges.map(([start, length]) => [start & ~C_BIT, length]);
}

type Cells = ReadonlyMap<Spa, Uint8Array>;
const cellsOf = ({ machine }: Arena): Cells =>
  new Map([...machine.host.memory.touchedPages()].map(({ spa: at, cells }) => [at, cells]));
const ZEROS = new Uint8Array(4096);

/** The addresses of bytes that changed outside the ranges. */
function* strays(before: Cells, after: Cells, ranges: readonly Range[]): Generator<string> {
  for (const page of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(page) ?? ZEROS;
    const now = after.get(page) ?? ZEROS;
    if (Buffer.compare(old, now) === 0) continue;
    for (let i = 0; i < 4096; i++) {
      const address = spa(page + BigInt(i));
      const named = ranges.some(([start, length]) => address >= start && address < start + length);
      if (old[i] !== now[i] && !named) yield `0x${address.toString(16)}`;
    }
  }
}

const STATUSES: ReadonlyMap<number, SevStatus> = new Map(
  Object.entries(SEV_STATUS).map(([name, { code }]) => [code, name as SevStatus]), // keys of a literal record
);

interface Input {
  readonly profile: ProfileName;
  readonly beginning: Beginning;
  /** Each is what a command is drawn from: its number, its buffer, and what lies where that points. */
  readonly commands: readonly Uint8Array[];
}

const profiles = Object.keys(PROFILES) as ProfileName[]; // keys of a literal record

/** The registers of the AMD-SP, and the command buffers behind them. */
export const mailboxDoor: Door = arbitraryDoor<Input>({
  name: 'mailbox',
  about:
    'commands through the registers, in every state: a status comes, and no memory changes that they do not name',
  ...{ share: 20, chunk: 100, cost: 2500 },
  inputs: () =>
    fc.record({
      profile: fc.constantFrom(...profiles),
      beginning: fc.constantFrom(...BEGINNINGS),
      commands: fc.array(fc.uint8Array({ minLength: COMMAND_RANDOMNESS, maxLength: COMMAND_RANDOMNESS }), {
        minLength: 1,
        maxLength: 8,
      }),
    }),
  start: () => issue,
});

function issue({ profile, beginning, commands }: Input): string {
  const arena = createArena(profile, beginning);
  let last = '';
  for (const command of commands) {
    let before: Cells = new Map();
    const { tmr, nvPaddr } = arena.sp.state;
    const issued = issueRandom(arena, command, () => {
      before = cellsOf(arena);
    });
    const { answered, code } = answerOf(issued);
    const status = STATUSES.get(code);
    last = `${issued.name} ${status}`;
    holds(answered && status !== undefined, 'a command is answered with a status', () => last);
    const ranges = allowed(issued, status, tmr?.paddr, nvPaddr);
    const [stray] = strays(before, cellsOf(arena), ranges);
    holds(stray === undefined, 'no memory changes that a command does not name', () => `${last} at ${stray}`);
  }
  return last;
}
