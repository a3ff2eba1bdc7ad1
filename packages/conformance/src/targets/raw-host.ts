import { alignUp, type Spa, spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import { COMMAND_BUFFERS, COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import { type SevStatus, statusFromCode } from '@sevlab/codec/sev/status';
import type { Host } from '@sevlab/machine/machine';
import { GivenNotReached } from '../target.ts';

/** A command buffer, field by field. */
export type Fields = Record<string, number | bigint>;

const LAYOUTS: Readonly<Partial<Record<CommandName, Struct<Fields>>>> = COMMAND_BUFFERS;
const FIRST_BUFFER = 0x1000_0000n;
const PAGE = 4096;

/** A host without a driver: it places bytes in its memory, writes registers, and judges nothing. */
export class RawHost {
  readonly host: Host;
  #next = FIRST_BUFFER;

  constructor(host: Host) {
    this.host = host;
  }

  /** Host memory of its own for `length` bytes, at a page. */
  reserve(length: number): Spa {
    const address = spa(this.#next);
    this.#next += BigInt(alignUp(length, PAGE));
    return address;
  }

  /** Puts bytes into memory of their own. */
  place(bytes: Uint8Array): Spa {
    const address = this.reserve(bytes.length);
    this.host.memory.write(address, bytes);
    return address;
  }

  /** Runs a command; gives back its status, and its buffer as the AMD-SP left it. */
  issue(command: CommandName, fields: Fields = {}): { status: SevStatus; fields: Fields } {
    const layout = LAYOUTS[command];
    if (layout === undefined) return { status: this.#ring(command, spa(0n)), fields: {} };
    const bytes = new Uint8Array(layout.paddedSize);
    layout.encodeInto(bytes, fields);
    const address = this.place(bytes);
    const status = this.#ring(command, address);
    return { status, fields: layout.decode(this.host.memory.read(address, layout.size)) };
  }

  /** Runs a command that a case takes for granted. Throws GivenNotReached unless it succeeds. */
  expect(command: CommandName, fields?: Fields): Fields {
    const issued = this.issue(command, fields);
    if (issued.status !== 'SUCCESS') throw new GivenNotReached(`${command} answered ${issued.status}`);
    return issued.fields;
  }

  #ring(command: CommandName, buffer: Spa): SevStatus {
    const { mailbox } = this.host;
    mailbox.write('CmdBufAddr_Lo', Number(buffer & 0xffff_ffffn));
    mailbox.write('CmdBufAddr_Hi', Number(buffer >> 32n));
    mailbox.write('CmdResp', COMMAND_ID[command] << 16);
    const code = mailbox.read('CmdResp') & 0xffff;
    const status = statusFromCode(code);
    if (status === undefined)
      throw new Error(`the AMD-SP answered 0x${code.toString(16)}, which is no status`);
    return status;
  }
}
