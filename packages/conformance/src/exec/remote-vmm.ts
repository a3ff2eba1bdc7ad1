import { toHex } from '@sevlab/codec/bytes';
import { Errno } from '@sevlab/guest-kernel-sim/errno';
import { HOST_CALLS, type HostCall, type VmmCase, type VmmThen } from '../case.ts';
import type { StartedVmm } from '../vmm-answer.ts';
import { filesAsText, vmmStart } from '../vmm-start.ts';
import type { StartVmmRequest, VmmRequest } from './protocol.ts';
import { type Ask, askObject, isObject, unexpected } from './reply.ts';

/** How somebody else's VMM is asked to start. */
export function startVmmRequest({ id, given }: VmmCase): StartVmmRequest {
  const { arguments: words, files } = vmmStart(given);
  const host = given.host?.map(({ call, errno, status = 0 }) => ({ call, errno: Errno[errno], status }));
  return {
    ...{ do: 'start-vmm', case: id, qemu: given.qemu ?? '7.2', arguments: words, files: filesAsText(files) },
    host: host ?? [],
  };
}

/** A VMM inside somebody else's program. Throws Skipped, WrongAnswer, ProgramTrouble. */
export function remoteVmm(ask: Ask<VmmRequest>, testCase: VmmCase): StartedVmm {
  const { greeting } = askObject(ask, startVmmRequest(testCase));
  if (greeting !== undefined && typeof greeting !== 'string')
    throw unexpected('greeting', 'a line of text, or nothing when it ended', greeting);
  return {
    greeting,
    send(bytes) {
      const { lines } = askObject(ask, { do: 'send', bytes: toHex(bytes) });
      if (!isListOfText(lines)) throw unexpected('lines', 'lines of text', lines);
      return lines;
    },
    look() {
      const { calls, ended } = askObject(ask, { do: 'look' });
      if (!Array.isArray(calls) || !calls.every(isCall))
        throw unexpected('calls', `objects with call, one of ${HOST_CALLS.join(', ')}`, calls);
      if (!isEnd(ended)) throw unexpected('ended', 'null, or an object with status and stderr', ended);
      return { calls, ended };
    },
  };
}

const isListOfText = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((line) => typeof line === 'string');

const isCall = (value: unknown): value is HostCall =>
  isObject(value) && HOST_CALLS.some((call) => call === value.call);

const isEnd = (value: unknown): value is Exclude<VmmThen['ended'], undefined> =>
  value === null || (isObject(value) && typeof value.status === 'number' && isListOfText(value.stderr));
