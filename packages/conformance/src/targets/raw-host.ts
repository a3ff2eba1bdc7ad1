import { alignUp, type Spa, spa } from '@sevlab/codec/address';
import { equal } from '@sevlab/codec/bytes';
import type { Struct } from '@sevlab/codec/layout';
import { COMMAND_BUFFERS, COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import { type SevStatus, statusFromCode } from '@sevlab/codec/sev/status';
import type { MailboxRegisters } from '@sevlab/machine/devices/mailbox';
import type { GuestMemory, Host, HostMemory } from '@sevlab/machine/machine';
import { GivenNotReached } from '../target.ts';

/** A command buffer, field by field. */
export type Fields = Record<string, number | bigint | Uint8Array>;

const LAYOUTS: Readonly<Partial<Record<CommandName, Struct<Fields>>>> = COMMAND_BUFFERS;
const FIRST_BUFFER = 0x1000_0000n;
const PAGE = 4096;

/** What became of a command. */
export interface Issued {
  readonly status: SevStatus;
  /** The buffer as the AMD-SP left it; no fields when it lies where the host cannot look. */
  readonly fields: Fields;
  readonly buffer: 'unchanged' | 'changed';
  readonly registers: 'kept' | 'lost';
  /** The buffer's layout and its bytes, as they were put there and as they were found; absent where there is none. */
  readonly layout?: Struct<Fields>;
  readonly sent?: Uint8Array;
  readonly received?: Uint8Array;
}

/** What a case needs of a host, whoever is behind it. A Host is one. */
export interface CaseHost extends Pick<Host, 'createGuest' | 'locate'> {
  readonly memory: Pick<HostMemory, 'read' | 'write'>;
  readonly mailbox: MailboxRegisters;
  wbinvd(core?: number): void;
  /** Throws VmrunRefused. */
  vmrun<T>(guest: number, asid: number, software: (context: SharedView) => T, vmsa?: Spa): T;
}

/** What a case looks at from inside a guest. */
export interface SharedView {
  readonly memory: Pick<GuestMemory, 'readShared'>;
}

/** How a command buffer is to be unusual. */
export interface Oddity {
  /** Every reserved byte is FFh. */
  readonly reserved?: 'ones' | undefined;
  /** It lies there. */
  readonly buffer?: Spa | undefined;
  /** Nothing is written there, and nothing read: that is no memory. */
  readonly unreadable?: boolean | undefined;
}

/** A host without a driver: it places bytes in its memory, writes registers, and judges nothing. */
export class RawHost<H extends CaseHost = CaseHost> {
  readonly host: H;
  #next: bigint;
  readonly #placed: Map<bigint, Uint8Array>;

  constructor(host: H, next: bigint = FIRST_BUFFER, placed: ReadonlyMap<bigint, Uint8Array> = new Map()) {
    this.host = host;
    this.#next = next;
    this.#placed = new Map(placed);
  }

  /** The same allocations, on another machine with the same past. */
  fork(host: H): RawHost<H> {
    return new RawHost(host, this.#next, this.#placed);
  }

  /** Host memory of its own for `length` bytes, at a multiple of `alignment`, itself a multiple of a page. */
  reserve(length: number, alignment = PAGE): Spa {
    const step = BigInt(alignment);
    const address = spa(((this.#next + step - 1n) / step) * step);
    this.#next = address + BigInt(alignUp(length, PAGE));
    return address;
  }

  /** Puts bytes into memory of their own. */
  place(bytes: Uint8Array): Spa {
    const address = this.reserve(bytes.length);
    this.host.memory.write(address, bytes);
    this.#placed.set(address, bytes);
    return address;
  }

  /** What was placed at an address, whatever became of it there. */
  placedAt(address: Fields[string] | undefined): Uint8Array | undefined {
    return typeof address === 'bigint' ? this.#placed.get(address) : undefined;
  }

  /** Runs a command. Fields that are not given are zero. */
  issue(command: CommandName | `0x${string}`, fields: Fields = {}, oddity: Oddity = {}): Issued {
    const id = isNamed(command) ? COMMAND_ID[command] : Number(command);
    const layout = isNamed(command) ? LAYOUTS[command] : undefined;
    const size = layout?.paddedSize ?? 0;
    const address = oddity.buffer ?? (size === 0 ? spa(0n) : this.reserve(size));
    if (layout === undefined || oddity.unreadable) {
      const { status, registers } = this.#ring(id, address);
      return { status, registers, fields: {}, buffer: 'unchanged' };
    }
    const bytes = new Uint8Array(size);
    layout.encodeInto(bytes, { ...layout.decodeAt(bytes, 0), ...fields });
    if (oddity.reserved === 'ones') {
      const reserved = layout.rows.filter(({ type }) => type.startsWith('reserved'));
      for (const { offset, size: length } of reserved) bytes.fill(0xff, offset, offset + length);
    }
    this.host.memory.write(address, bytes);
    const { status, registers } = this.#ring(id, address);
    const after = this.host.memory.read(address, size);
    const buffer = equal(bytes, after) ? 'unchanged' : 'changed';
    const fieldsAfter = layout.decodeAt(after, 0);
    return { status, registers, buffer, fields: fieldsAfter, layout, sent: bytes, received: after };
  }

  /** Runs a command that a case takes for granted. Throws GivenNotReached unless it succeeds. */
  expect(command: CommandName, fields?: Fields): Fields {
    const issued = this.issue(command, fields);
    if (issued.status !== 'SUCCESS') throw new GivenNotReached(`${command} answered ${issued.status}`);
    return issued.fields;
  }

  #ring(id: number, buffer: Spa): Pick<Issued, 'status' | 'registers'> {
    const { mailbox } = this.host;
    const low = Number(buffer & 0xffff_ffffn);
    const high = Number(buffer >> 32n);
    mailbox.write('CmdBufAddr_Lo', low);
    mailbox.write('CmdBufAddr_Hi', high);
    mailbox.write('CmdResp', id << 16);
    const code = mailbox.read('CmdResp') & 0xffff;
    const status = statusFromCode(code);
    if (status === undefined)
      throw new Error(`the AMD-SP answered 0x${code.toString(16)}, which is no status`);
    const kept = mailbox.read('CmdBufAddr_Lo') === low && mailbox.read('CmdBufAddr_Hi') === high;
    return { status, registers: kept ? 'kept' : 'lost' };
  }
}

const isNamed = (command: string): command is CommandName => command in COMMAND_ID;
