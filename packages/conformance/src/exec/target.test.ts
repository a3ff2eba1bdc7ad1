import { describe, expect, it } from 'vitest';
import type { PspCase } from '../case.ts';
import { allCases } from '../cases.ts';
import { runCase, runCases } from '../run.ts';
import type { Target } from '../target.ts';
import { examinePsp } from '../targets/sim-psp.ts';
import { remotePlatform } from './remote-platform.ts';
import type { Ask } from './reply.ts';
import { createResponder } from './responder.ts';
import { execTarget } from './target.ts';

const respond = createResponder();
/** The simulator behind lines, without a process. */
const ask: Ask = (request) => JSON.parse(JSON.stringify(respond(JSON.parse(JSON.stringify(request)))));

const behindLines = (asked: Ask): Target => ({
  name: 'behind lines',
  psp: (testCase) => examinePsp(testCase, remotePlatform(asked, testCase.id)),
});

const remote = allCases().filter(
  (each): each is PspCase => each.room === 'psp' && (each.given.firmware ?? 'genoa-1.55') === 'genoa-1.55',
);

describe('an AMD-SP behind the line protocol answers as one without', () => {
  const target = behindLines(ask);
  it.each(remote.map(({ spec: _, ...testCase }) => [testCase.id, testCase] as const))('%s', (_, testCase) => {
    const { outcome, expected, actual } = runCase(testCase, target);
    expect(actual).toEqual(expected);
    expect(outcome).toBe('pass');
  });
});

/** Programs in which one thing is wrong, each with a case that notices. */
const WRONG: readonly (readonly [string, string, (reply: object, request: Parameters<Ask>[0]) => object])[] = [
  ['memory that forgets a write', 'LSE-01', (reply, request) => ('do' in request && request.do === 'read' ? zeros(reply) : reply)],
  ['a key that is none', 'LSE-01', (reply, request) => ('do' in request && request.do === 'guest-read' ? zeros(reply) : reply)],
  ['VMRUN of whatever there is', 'LFI-01', (reply) => ('runs' in reply ? { runs: !reply.runs } : reply)],
  ['an address register that is lost', 'MBX-01', (reply) => ('status' in reply ? { ...reply, buffer: '0x1' } : reply)],
];

const zeros = (reply: object): object =>
  'bytes' in reply ? { bytes: String(reply.bytes).replace(/./g, '0') } : reply;

it.each(WRONG)('notices %s', (_, __, change) => {
  const wrong = behindLines((request) => change(ask(request) as object, request)); // it always answers an object
  const failing = remote.filter((testCase) => {
    try {
      return runCase(testCase, wrong).outcome === 'fail';
    } catch {
      return true;
    }
  });
  expect(failing.length).toBeGreaterThan(0);
});
