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

/** One of each clause, and each that looks into a guest; all of them take half a minute. */
const chosen = remote.filter(
  (testCase, i) =>
    remote.findIndex(({ clause }) => clause === testCase.clause) === i ||
    testCase.then.runnable !== undefined ||
    testCase.when.some((step) => 'guest' in step || ('of' in step && step.of === 'shared')),
);

describe('an AMD-SP behind the line protocol answers as one without', () => {
  const target = behindLines(ask);
  it.each(chosen.map(({ spec: _, ...testCase }) => [testCase.id, testCase] as const))('%s', (_, testCase) => {
    const { outcome, expected, actual } = runCase(testCase, target);
    expect(actual).toEqual(expected);
    expect(outcome).toBe('pass');
  });
});

/** Programs in which one thing is wrong, each with a case that notices. */
const WRONG: readonly (readonly [string, string, (reply: object, verb: string) => object])[] = [
  ['memory that reads as zeros', 'LSE-01', (reply, verb) => (verb === 'read' ? zeros(reply) : reply)],
  ['a key that reads as zeros', 'LSE-01', (reply, verb) => (verb === 'guest-read' ? zeros(reply) : reply)],
  ['VMRUN of whatever there is', 'ACT-04', (reply) => ('runs' in reply ? { runs: true } : reply)],
  [
    'an address register that is kept',
    'MBX-09',
    (reply) => ('status' in reply ? { status: reply.status } : reply),
  ],
];

const zeros = (reply: object): object =>
  'bytes' in reply ? { bytes: String(reply.bytes).replace(/./g, '0') } : reply;

it.each(WRONG)('notices %s', (_, id, change) => {
  const wrong = behindLines((request) =>
    change(Object(ask(request)), 'do' in request ? request.do : 'the greeting'),
  );
  const testCase = remote.find((each) => each.id === id)!;
  expect(runCase(testCase, wrong).outcome).toBe('fail');
});

const GREETING = `read line; echo '{"protocol":"sevlab-exec","version":1,"name":"a test","rooms":["psp","kernel"],"sees":["dir","read"]}'`;
const program = (script: string): string => `${GREETING}; ${script}`;
const kernelCase = allCases().filter(({ id }) => id === 'PRS-01');

describe('a program that does not introduce itself is told so', () => {
  it.each([
    ['true', 'it ended without an answer; it ended with exit status 0'],
    ['exit 3', 'it ended without an answer; it ended with exit status 3'],
    ['kill -SEGV $$', 'it ended without an answer; it ended by SIGSEGV'],
    ['no-such-program-here 2> /dev/null', 'it ended without an answer; it ended with exit status 127'],
    ['printf half', 'it ended within an answer: "half"; it ended with exit status 0'],
    ['sleep 60', 'no answer within 0.3 s'],
    ['yes hello', 'it answered "hello"; expected one line of JSON'],
    ['echo []; cat', 'it answered the greeting with []; expected an object'],
    ['cat', 'name: expected what to call the program, got nothing'],
    [
      `echo '{"protocol":"sevlab-exec","version":2}'; cat`,
      'protocol and version: expected sevlab-exec 1, got "sevlab-exec 2"',
    ],
    [
      `echo '{"protocol":"sevlab-exec","version":1,"name":"x","rooms":["kitchen"]}'; cat`,
      'rooms: expected some of kernel, psp, vmm, tenant, got ["kitchen"]',
    ],
  ])('%s', async (command, message) => {
    await expect(execTarget(command, { timeout: 0.3 })).rejects.toThrow(message);
  });
});

describe('what happens in a case is the answer to that case', () => {
  it.each([
    ['exit 3', 'fail', 'it ended without an answer; it ended with exit status 3'],
    ['read line; exit 1', 'fail', 'it ended without an answer; it ended with exit status 1'],
    ['read line; sleep 60', 'fail', 'no answer within 0.3 s'],
    ['read line; echo nonsense; cat', 'fail', 'it answered "nonsense"; expected one line of JSON'],
    ['read line; echo 5; cat', 'fail', 'it answered kernel with 5; expected an object'],
    [`read line; echo '{"skip":"not today"}'; cat`, 'skip', 'not today'],
    [`read line; echo '{"error":"no memory"}'; cat`, 'fail', 'it answered kernel with the error "no memory"'],
    [
      `read line; echo '{}'; cat`,
      'fail',
      'probe: expected an object with `bound`, and `err` on failure, got nothing',
    ],
    [
      `read line; echo '{"probe":{"bound":true},"dir":[]}'; cat`,
      'fail',
      'read: expected an object for each file, got nothing',
    ],
  ])('%s', async (script, outcome, actual) => {
    const target = await execTarget(program(script), { timeout: 0.3 });
    expect(await runCases(kernelCase, target)).toMatchObject([{ outcome, actual }]);
  });

  it('of the AMD-SP: a number that is no status', async () => {
    const script = `while read line; do case $line in *command*) echo '{"status":77}';; *) echo '{}';; esac; done`;
    const cases = allCases().filter(({ id }) => id === 'MBX-03');
    const [result] = await runCases(cases, await execTarget(program(script)));
    expect(result?.actual).toBe('status: expected the number of a SEV status, 0 to 24, got 77');
  });

  it('an answer of two lines is told before the next question', async () => {
    const script = `while read line; do printf '{"skip":"one"}\\n{"skip":"two"}\\n'; done`;
    const cases = allCases().filter(({ id }) => ['PRS-01', 'PRS-02'].includes(id));
    const results = await runCases(cases, await execTarget(program(script)));
    expect(results.map(({ actual }) => actual)).toEqual([
      'one',
      'it wrote more than one line: "{\\"skip\\":\\"two\\"}\\n"',
    ]);
  });

  it('and the next case finds the program started again', async () => {
    const script = `read line; case $line in *PRS-01*) exit 1;; esac; echo '{"skip":"alive"}'; cat`;
    const cases = allCases().filter(({ id }) => ['PRS-01', 'PRS-02'].includes(id));
    const results = await runCases(cases, await execTarget(program(script)));
    expect(results.map(({ outcome }) => outcome)).toEqual(['fail', 'skip']);
  });

  it('compares what the program sees, and says what it does not', async () => {
    const script = `while read line; do echo '{"probe":{"bound":false,"err":"ENODEV"},"dir":"ENOENT","read":[]}'; done`;
    const cases = allCases().filter(({ id }) => id === 'PRS-02');
    const [result] = await runCases(cases, await execTarget(program(script)));
    expect(result).toMatchObject({ outcome: 'pass', unseen: ['dmesg'] });
  });
});
