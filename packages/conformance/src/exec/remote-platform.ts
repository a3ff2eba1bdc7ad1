import { type Gpa, gpa, hexAddress, type Spa, spa } from '@sevlab/codec/address';
import { toHex } from '@sevlab/codec/bytes';
import { statusFromCode } from '@sevlab/codec/sev/status';
import type { MailboxRegister } from '@sevlab/machine/devices/mailbox';
import { VmrunRefused } from '@sevlab/machine/machine';
import { type CaseHost, RawHost, type SharedView } from '../targets/raw-host.ts';
import { type KeyedMemory, type Platform, versionOf } from '../targets/sim-platform.ts';
import type { MachineRequest } from './protocol.ts';
import { type Ask, askObject, bytesOf, unexpected } from './reply.ts';

/** Where the suite says that the guest's memory lies, in one piece. */
const GUEST_MEMORY = 0x1_0000_0000n;

/** A machine and its AMD-SP, both inside somebody else's program. Throws GivenNotReached, Skipped, WrongAnswer. */
export function remotePlatform(ask: Ask, id: string): Platform {
  askObject(ask, { do: 'power-on', case: id });
  const raw = new RawHost(remoteHost(ask));
  return { raw, memory: remoteKeys(ask), version: versionOf(raw) };
}

/** Memory, mailbox and cores. */
function remoteHost(ask: Ask): CaseHost {
  const registers: Record<MailboxRegister, number> = { CmdResp: 0, CmdBufAddr_Lo: 0, CmdBufAddr_Hi: 0 };
  const memory = {
    read: (at: Spa, length: number) => read(ask, { do: 'read', at: hexAddress(at), length }),
    write: (at: Spa, bytes: Uint8Array) => {
      askObject(ask, { do: 'write', at: hexAddress(at), bytes: toHex(bytes) });
    },
  };
  return {
    memory,
    mailbox: {
      read: (register) => registers[register],
      write(register, value) {
        registers[register] = value >>> 0;
        if (register === 'CmdResp') ring(ask, registers);
      },
    },
    wbinvd(core) {
      askObject(ask, { do: 'wbinvd', ...(core !== undefined && { core }) });
    },
    createGuest: () => 0,
    locate: (_, address, length) => [{ spa: spa(GUEST_MEMORY + address), length }],
    vmrun<T>(_: number, asid: number, software: (context: SharedView) => T, vmsa?: Spa): T {
      const place = vmsa === undefined ? {} : { vmsa: hexAddress(vmsa) };
      const { runs } = askObject(ask, { do: 'vmrun', asid, ...place });
      if (typeof runs !== 'boolean') throw unexpected('runs', 'true or false', runs);
      if (!runs) throw new VmrunRefused(asid);
      const readShared = (address: Gpa, length: number) =>
        memory.read(spa(GUEST_MEMORY + gpa(address)), length); // without the C-bit memory is as the host sees it
      return software({ memory: { readShared } });
    },
  };
}

function ring(ask: Ask, registers: Record<MailboxRegister, number>): void {
  const id = (registers.CmdResp >>> 16) & 0xff;
  const address = (BigInt(registers.CmdBufAddr_Hi) << 32n) | BigInt(registers.CmdBufAddr_Lo);
  const reply = askObject(ask, { do: 'command', id: `0x${id.toString(16)}`, buffer: hexAddress(address) });
  const { status, buffer } = reply;
  if (typeof status !== 'number' || statusFromCode(status) === undefined)
    throw unexpected('status', 'the number of a SEV status, 0 to 24', status);
  registers.CmdResp = status;
  if (buffer === undefined) return;
  if (typeof buffer !== 'string' || !/^0x[0-9a-f]{1,16}$/i.test(buffer))
    throw unexpected('buffer', 'an address such as 0x10000000', buffer);
  registers.CmdBufAddr_Lo = Number(BigInt(buffer) & 0xffff_ffffn);
  registers.CmdBufAddr_Hi = Number(BigInt(buffer) >> 32n);
}

/** What no host has. */
const remoteKeys = (ask: Ask): KeyedMemory => ({
  readEncrypted: (asid, address, length) =>
    read(ask, { do: 'guest-read', asid, at: hexAddress(address), length }),
  writeEncrypted(asid, address, bytes) {
    askObject(ask, { do: 'guest-write', asid, at: hexAddress(address), bytes: toHex(bytes) });
  },
});

const read = (ask: Ask, request: Extract<MachineRequest, { readonly length: number }>): Uint8Array =>
  bytesOf(askObject(ask, request), 'bytes', request.length);
