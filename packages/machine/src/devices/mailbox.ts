import { type Spa, spa } from '@sevlab/codec/address';

/**
 * The registers between host and AMD-SP (55766, Mailbox Register Layout; PSP C2PMSG numbers as the Linux ccp
 * driver uses them). Each is 32 bits wide.
 */
export type MailboxRegister = 'CmdResp' | 'CmdBufAddr_Lo' | 'CmdBufAddr_Hi';

/** Bit 31 of CmdResp: the AMD-SP has answered. */
export const RESPONSE_READY = 0x8000_0000;

/** The registers, as plain data. */
export interface MailboxState {
  readonly registers: Record<MailboxRegister, number>;
}

/** What the AMD-SP leaves in the registers. */
export interface Answer {
  /** 16 bits, for CmdResp. */
  readonly status: number;
  /** 64 bits, for the two address registers; without it they stay as the host wrote them. */
  readonly errorStack?: bigint;
}

/** What stands behind the registers: takes a command and the sPA of its buffer. */
export type Service = (command: number, buffer: Spa) => Answer;

/** What the host has of it. */
export type MailboxRegisters = Pick<Mailbox, 'read' | 'write'>;

/** The registers, and who is behind them. */
export class Mailbox {
  readonly state: MailboxState;
  #service: Service | undefined;

  constructor(state: MailboxState = { registers: { CmdResp: 0, CmdBufAddr_Lo: 0, CmdBufAddr_Hi: 0 } }) {
    this.state = state;
  }

  /** Puts an AMD-SP behind the registers. */
  connect(service: Service): void {
    this.#service = service;
  }

  /** 32 bits, unsigned. */
  read(register: MailboxRegister): number {
    return this.state.registers[register];
  }

  /** Keeps the low 32 bits. Writing CmdResp without bit 31 rings the AMD-SP; it answers before this returns. */
  write(register: MailboxRegister, value: number): void {
    const { registers } = this.state;
    registers[register] = value >>> 0;
    if (register !== 'CmdResp' || (value & RESPONSE_READY) !== 0) return;
    if (this.#service === undefined) throw new Error('no AMD-SP is connected to the mailbox');
    const command = (value >>> 16) & 0xff; // bits 23:16; bit 0 asks for an interrupt, which nobody here waits for
    const buffer = spa((BigInt(registers.CmdBufAddr_Hi) << 32n) | BigInt(registers.CmdBufAddr_Lo));
    const { status, errorStack } = this.#service(command, buffer);
    if (errorStack !== undefined) {
      registers.CmdBufAddr_Lo = Number(errorStack & 0xffff_ffffn);
      registers.CmdBufAddr_Hi = Number(errorStack >> 32n);
    }
    registers.CmdResp = (RESPONSE_READY | (command << 16) | status) >>> 0;
  }

  /** A copy with nobody behind it yet. */
  fork(): Mailbox {
    return new Mailbox({ registers: { ...this.state.registers } });
  }
}
