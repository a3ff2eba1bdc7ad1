import { describe, expect, it } from 'vitest';
import type { HostCall } from './case.ts';
import { allCases } from './cases.ts';
import type { VmmRequest } from './exec/protocol.ts';
import { remoteVmm } from './exec/remote-vmm.ts';
import { runCase } from './run.ts';
import type { Target } from './target.ts';
import { createSimVmm } from './targets/sim-vmm.ts';
import { converse } from './vmm-answer.ts';

const cases = allCases().filter(({ room }) => room === 'vmm');

interface Looked {
  readonly calls: readonly HostCall[];
  readonly ended: object | null;
}

/** How a VMM is wrong: in what it takes a request for, in what it says, or in what it asks the kernel. */
interface Wrong {
  readonly hears?: (request: VmmRequest) => VmmRequest;
  readonly says?: (lines: readonly string[]) => readonly string[];
  readonly looks?: (looked: Looked) => Looked;
}

const vmm = ({ hears = (request) => request, says = (lines) => lines, looks }: Wrong): Target => ({
  name: 'wrong',
  vmm(testCase) {
    const right = createSimVmm();
    const ask = (request: VmmRequest): object => {
      const reply = right(hears(request));
      if ('lines' in reply) return { lines: says(reply.lines as readonly string[]) }; // as sim-vmm has them
      return looks && 'calls' in reply ? looks(reply as Looked) : reply;
    };
    return converse(testCase, remoteVmm(ask, testCase));
  },
});

const failuresOf = (wrong: Wrong): string[] =>
  cases.filter((each) => runCase(each, vmm(wrong)).outcome === 'fail').map(({ id }) => id);

it('nothing fails when nothing is wrong', () => expect(failuresOf({})).toEqual([]));

const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const rewritten =
  (pattern: RegExp, text: string) =>
  (request: VmmRequest): VmmRequest => {
    if (request.do !== 'send') return request;
    const sent = Buffer.from(request.bytes, 'hex').toString('latin1');
    return { ...request, bytes: hex(sent.replace(pattern, text)) };
  };
const changed = (pattern: RegExp, text: string) => (lines: readonly string[]) =>
  lines.map((line) => line.replace(pattern, text));
const withCalls =
  (change: (call: HostCall) => HostCall[]) =>
  (looked: Looked): Looked => ({
    ...looked,
    calls: looked.calls.flatMap(change),
  });

describe('a VMM fails that', () => {
  it.each<[string, Wrong, string[]]>([
    [
      'does not look at the address that it is given',
      { hears: rewritten(/,"gpa":[-\d]+\b/, '') },
      [
        ...[
          'INJ-02',
          'INJ-03',
          'INJ-08',
          'INJ-24',
          'INJ-25',
          'INJ-26',
          'INJ-27',
          'INJ-28',
          'INJ-29',
          'INJ-30',
        ],
        ...['INJ-31', 'INJ-32'],
      ],
    ],
    [
      'has one class for all errors',
      { says: changed(/CommandNotFound/, 'GenericError') },
      ['QMP-02', 'QMP-03', 'QMP-04', 'QMP-07', 'QMP-16'],
    ],
    [
      'tells events behind the answer',
      { says: (lines) => lines.toReversed() },
      ['QMP-18', 'QMP-27', 'QRY-07', 'INJ-10', 'INJ-18', 'INJ-19', 'RUN-02', 'RUN-03', 'RUN-04'],
    ],
    ['forgets the id', { says: changed(/, "id": .*(?=\}$)|(?<=^\{)"id": [^,]*, /, '') }, ['QMP-05']],
    [
      'has statuses by one too high',
      { says: changed(/fw_error=(4) /, 'fw_error=5 ') },
      ['INJ-22', 'INJ-23', 'INJ-37'],
    ],
    [
      'measures half of the firmware',
      {
        looks: withCalls((call) =>
          call.length === 8192 ? [{ ...call, length: 4096, sha256: '00'.repeat(32) }] : [call],
        ),
      },
      ['QST-01', 'QST-03', 'QST-16', 'QST-18', 'QST-19', 'QST-20', 'QST-24'],
    ],
    [
      'keeps the session to itself',
      { looks: withCalls(({ session, ...call }) => [call]) },
      ['QST-25', 'QST-26', 'QST-27', 'QST-28'],
    ],
    [
      'finishes the launch again after each stop',
      {
        looks: withCalls((call) => (call.call === 'KVM_SEV_LAUNCH_FINISH' ? [call, call] : [call])),
      },
      ['QST-16', 'INJ-10', 'RUN-05'],
    ],
    [
      'goes on where QEMU ends',
      { looks: (looked) => ({ ...looked, ended: null }) },
      [
        ...[
          'QST-04',
          'QST-05',
          'QST-06',
          'QST-07',
          'QST-08',
          'QST-09',
          'QST-10',
          'QST-11',
          'QST-12',
          'QST-13',
        ],
        ...['QST-14', 'QST-15', 'QST-17', 'QST-21', 'QST-22', 'QST-23', 'RUN-07', 'RUN-08'],
      ],
    ],
    [
      'takes packets while the guest runs',
      { says: (lines) => lines.map((line) => (/LSECRET\) 3/.test(line) ? '{"return": {}}' : line)) },
      ['INJ-10', 'INJ-11', 'INJ-18'],
    ],
    [
      'measures without KVM being asked for registers',
      { looks: withCalls((call) => (call.call.endsWith('VMSA') ? [] : [call])) },
      ['QST-03'],
    ],
  ])('%s', (_, wrong, failed) => {
    const failures = failuresOf(wrong);
    expect(failures).toEqual(expect.arrayContaining(failed));
    expect(failures.length).toBeLessThan(cases.length / 2);
  });
});
