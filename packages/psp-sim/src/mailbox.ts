import type { Observer } from '@sevlab/ambient/observer';
import { hexAddress, type Spa } from '@sevlab/codec/address';
import { type SevStatus, statusCode } from '@sevlab/codec/sev/status';
import type { Service } from '@sevlab/machine/devices/mailbox';
import type { Command } from './command.ts';
import type { SecureProcessor } from './secure-processor.ts';
import { commandById } from './support.ts';

/**
 * The AMD-SP behind the mailbox registers: takes a command number and the sPA of its buffer, answers a status.
 * VERSION: firmware 1.55 leaves a stack of error numbers of its own in the address registers, 10 bits each, 0 on
 * SUCCESS. DEVIATION: those numbers are not published; ours holds the status.
 */
export function serve(sp: SecureProcessor, observer: Observer): Service {
  return (id, buffer) => {
    const status = statusCode(dispatch(sp, observer, id, buffer));
    return sp.state.profile.clobbersAddress ? { status, errorStack: BigInt(status) } : { status };
  };
}

/** Runs one command: buffer in, checks in order, effect, buffer out. */
function dispatch(sp: SecureProcessor, observer: Observer, id: number, paddr: Spa): SevStatus {
  const known = commandById(id);
  const name = known?.name ?? `0x${id.toString(16).padStart(2, '0')}`;
  const bufferPaddr = hexAddress(paddr);
  const answer = (status: SevStatus, buffer?: Uint8Array): SevStatus => {
    observer.observe('amd-sp', 'host', () => ({
      type: 'status',
      name,
      status,
      code: statusCode(status),
      ...(buffer && { open: { buffer } }),
    }));
    return status;
  };

  if (known?.command === undefined) {
    observer.observe('host', 'amd-sp', () => ({ type: 'command', name, id, bufferPaddr }));
    return answer(known?.status ?? 'INVALID_COMMAND');
  }
  const { command } = known;
  const size = sp.state.profile.copiesPadding ? command.buffer.paddedSize : command.buffer.size;
  const reads = command.transfer.startsWith('in');
  const reach = size > 0 ? sp.reachable(paddr, size) : 'SUCCESS';
  const bytes = reads && reach === 'SUCCESS' ? sp.memory.read(paddr, size) : new Uint8Array(size);
  observer.observe('host', 'amd-sp', () => ({
    type: 'command',
    name,
    id,
    bufferPaddr,
    ...(reads && { open: { buffer: bytes.slice() } }),
  }));
  if (reach !== 'SUCCESS') return answer(reach);

  const status = command.run(sp, bytes, (condition, held, unmet) =>
    observer.observe('amd-sp', 'amd-sp', () => ({
      type: 'precondition',
      name,
      condition,
      held,
      status: unmet,
    })),
  );
  if (!writesBack(command, status)) return answer(status);
  sp.memory.write(paddr, bytes);
  return answer(status, bytes);
}

function writesBack({ transfer }: Command, status: SevStatus): boolean {
  if (status === 'SUCCESS') return transfer === 'out' || transfer.startsWith('inout');
  return status === 'INVALID_LENGTH' && transfer === 'inout-length';
}
