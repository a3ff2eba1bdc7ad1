import { gpa, hexAddress, spa } from '@sevlab/codec/address';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { type ProbeResult, probeArea } from '@sevlab/guest-kernel-sim/standalone';
import { VmrunRefused } from '@sevlab/machine/machine';
import { serve } from '@sevlab/psp-sim/mailbox';
import { tableFaults } from '../kernel-probe.ts';
import { GUEST_SIZE } from '../targets/psp-run.ts';
import { createPlatform, type SimPlatform } from '../targets/sim-platform.ts';
import { answerTenant } from '../targets/sim-tenant.ts';
import { createSimVmm } from '../targets/sim-vmm.ts';
import {
  EXEC_ROOMS,
  type Introduction,
  type KernelRequest,
  type MachineRequest,
  PROTOCOL,
  PROTOCOL_VERSION,
  type Request,
  SEEING,
} from './protocol.ts';

/** The emulator behind the line protocol: what somebody else's program can be compared with, request by request. */
export function createResponder(): (request: Request) => object {
  let machine: SimulatedMachine | undefined;
  const askVmm = createSimVmm();
  return (request) => {
    if (!('do' in request)) return introduction;
    switch (request.do) {
      case 'kernel':
        return answerKernel(request);
      case 'tenant':
        return answerTenant(request);
      case 'start-vmm':
      case 'send':
      case 'look':
        return askVmm(request);
    }
    if (request.do === 'power-on') machine = switchOn();
    if (machine === undefined) return { error: `${request.do} before power-on` };
    return answerMachine(machine, request);
  };
}

const introduction: Introduction = {
  ...{ protocol: PROTOCOL, version: PROTOCOL_VERSION, name: 'sevlab, simulated' },
  ...{ rooms: EXEC_ROOMS, sees: SEEING, firmware: 'genoa-1.55' },
};

function answerKernel(request: KernelRequest): ProbeResult | { error: string } {
  const { area, base, size, at, build, tables, linux = '6.1' } = request;
  return probeArea({
    ...{ name: request.case, area: fromHex(area), profile: kernelProfile(linux) },
    ...{ base: gpa(BigInt(base)), size: BigInt(size), at: gpa(BigInt(at)) },
    ...{ mode: request.mode, operations: request.operations },
    ...(build?.includes('EFI_SECRET=y') && { builtIn: true }),
    ...(tables && { tables: tableFaults(tables) }),
  });
}

/** A machine with an AMD-SP, and the number of its guest memory. */
interface SimulatedMachine {
  readonly platform: SimPlatform;
  readonly guest: number;
}

function switchOn(): SimulatedMachine {
  const platform = createPlatform(serve);
  return { platform, guest: platform.raw.host.createGuest([{ gpa: gpa(0n), length: GUEST_SIZE }]) };
}

function answerMachine({ platform, guest }: SimulatedMachine, request: MachineRequest): object {
  const { memory } = platform;
  const { host } = platform.raw;
  const at = () => spa(BigInt('at' in request ? request.at : 0));
  switch (request.do) {
    case 'power-on':
      return {};
    case 'write':
      host.memory.write(at(), fromHex(request.bytes));
      return {};
    case 'read':
      return { bytes: toHex(host.memory.read(at(), request.length)) };
    case 'wbinvd':
      host.wbinvd(request.core);
      return {};
    case 'command':
      return ring(platform, Number(request.id), BigInt(request.buffer));
    case 'guest-write':
      memory.writeEncrypted(request.asid, at(), fromHex(request.bytes));
      return {};
    case 'guest-read':
      return { bytes: toHex(memory.readEncrypted(request.asid, at(), request.length)) };
    case 'vmrun':
      return { runs: runs(platform, guest, request.asid, request.vmsa) };
    default:
      return { error: `there is no request ${JSON.stringify(request)}` };
  }
}

function ring({ raw }: SimPlatform, id: number, buffer: bigint): object {
  const { mailbox } = raw.host;
  mailbox.write('CmdBufAddr_Lo', Number(buffer & 0xffff_ffffn));
  mailbox.write('CmdBufAddr_Hi', Number(buffer >> 32n));
  mailbox.write('CmdResp', id << 16);
  const after = (BigInt(mailbox.read('CmdBufAddr_Hi')) << 32n) | BigInt(mailbox.read('CmdBufAddr_Lo'));
  const status = mailbox.read('CmdResp') & 0xffff;
  return { status, ...(after !== buffer && { buffer: hexAddress(after) }) };
}

function runs({ raw }: SimPlatform, guest: number, asid: number, vmsa: string | undefined): boolean {
  try {
    return raw.host.vmrun(guest, asid, () => true, vmsa === undefined ? undefined : spa(BigInt(vmsa)));
  } catch (error) {
    if (error instanceof VmrunRefused) return false;
    throw error;
  }
}
