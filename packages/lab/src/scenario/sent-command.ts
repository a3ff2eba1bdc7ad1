import { gpa, type Spa, spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import { COMMAND_BUFFERS, COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { place, reserve, ring } from '@sevlab/vmm-sim/command-buffer';
import type { Pipeline } from '../pipeline.ts';
import { guestPage } from './guest-cells.ts';
import { nearest } from './nearest.ts';
import type { Attack, FieldSource } from './scenario.ts';
import { keptBytes, keptNumber, type Schemes } from './schemes.ts';
import { addressOf, ScenarioError } from './values.ts';

type SentCommand = Extract<Attack, { readonly command: unknown }>;

/** The host's room for an answer of the AMD-SP. */
interface Room {
  readonly as: string;
  readonly at: Spa;
  readonly length: number;
}

type Layout = Pick<Struct<unknown>, 'rows' | 'size' | 'paddedSize'>;
/** One field of a command buffer. Offset and size in bytes. */
type Row = Layout['rows'][number];

/** Commands that are not here have no buffer. */
const BUFFERS: Readonly<Partial<Record<CommandName, Layout>>> = COMMAND_BUFFERS;

/** Identity areas and VMSAs lie on pages; nothing else minds. */
const ALIGNMENT = 4096;

/** Issues a command with the fields that it names. Returns the AMD-SP's status. Throws ScenarioError for a bad field. */
export function sendCommand(
  pipeline: Pipeline,
  schemes: Schemes,
  { command, fields = {}, as }: SentCommand,
): SevStatus {
  const { host, state } = pipeline.actors.vmm;
  const layout = BUFFERS[command];
  const rows: readonly Row[] = layout?.rows ?? [];
  const names = rows.map(({ name }) => name);
  const stray = Object.keys(fields).find((name) => !names.includes(name));
  if (stray !== undefined) {
    const near = nearest(stray, names);
    throw new ScenarioError(
      `attack ${command}: no field ${stray}; expected ${names.join(', ') || 'none'}${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }
  const rooms: Room[] = [];
  const buffer = new Uint8Array(layout?.paddedSize ?? 0);
  for (const [name, source] of Object.entries(fields)) {
    const row = rows.find((each) => each.name === name)!;
    const where = `attack ${command}.${name}`;
    const { value, length } = resolveField(pipeline, schemes, source, { where, rooms });
    writeField(buffer, row, value, where);
    const lengthRow = rows.find((each) => each.name === name.replace(/Paddr$/, 'Len') && each !== row);
    if (length !== undefined && lengthRow && !(lengthRow.name in fields))
      writeField(buffer, lengthRow, BigInt(length), where);
  }
  const at = layout === undefined ? spa(0n) : place(host, state.buffers, buffer);
  const status = ring(host, COMMAND_ID[command], at);
  for (const room of rooms) schemes.saved.set(room.as, host.memory.read(room.at, room.length));
  if (as !== undefined && layout !== undefined) {
    const answer = host.memory.read(at, layout.size);
    for (const { name, offset, size } of rows)
      if (size <= 4) schemes.numbers.set(`${as}.${name}`, Number(readInteger(answer, offset, size)));
  }
  return status;
}

/** What a field is to hold; `length` is that of the bytes that it points to. */
function resolveField(
  pipeline: Pipeline,
  schemes: Schemes,
  source: FieldSource,
  { where, rooms }: { readonly where: string; readonly rooms: Room[] },
): { readonly value: bigint; readonly length?: number } {
  const { host, state } = pipeline.actors.vmm;
  if (typeof source === 'number') return { value: BigInt(source) };
  if (typeof source === 'string')
    return {
      value: source.startsWith('0x') ? addressOf(source) : BigInt(keptNumber(pipeline, schemes, source)),
    };
  if ('gpa' in source) return { value: guestPage(pipeline, gpa(addressOf(source.gpa)), where) };
  if ('from' in source) {
    const bytes = keptBytes(pipeline, schemes, source.from);
    return { value: place(host, state.buffers, bytes, ALIGNMENT), length: bytes.length };
  }
  const at = reserve(state.buffers, source.room, ALIGNMENT);
  if (source.fill !== undefined) host.memory.write(at, new Uint8Array(source.room).fill(source.fill));
  rooms.push({ as: source.as, at, length: source.room });
  return { value: at, length: source.room };
}

function writeField(buffer: Uint8Array, { offset, size }: Row, value: bigint, where: string): void {
  if (value < 0n || value >= 1n << BigInt(8 * size))
    throw new ScenarioError(`${where}: expected a number of at most ${size} bytes, got ${value}`);
  for (let i = 0; i < size; i++) buffer[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

const readInteger = (bytes: Uint8Array, offset: number, size: number): bigint =>
  bytes.subarray(offset, offset + size).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
