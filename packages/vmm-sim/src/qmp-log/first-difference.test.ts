import { existsSync, readFileSync } from 'node:fs';
import { fromBase64, toBase64 } from '@sevlab/codec/bytes';
import { describe, expect, test } from 'vitest';
import files from '../../test/vectors/qmp-conversation-files.json' with { type: 'json' };
import plain from '../../test/vectors/qmp-conversations.json' with { type: 'json' };
import more from '../../test/vectors/qmp-conversations-more.json' with { type: 'json' };
import sev from '../../test/vectors/qmp-conversations-sev.json' with { type: 'json' };
import hardware from '../../test/vectors/qmp-hardware.json' with { type: 'json' };
import { firstDifference } from './first-difference.ts';
import { readQmpLog } from './read-log.ts';

interface Conversation {
  readonly name: string;
  readonly argv: readonly string[];
  readonly greeting?: string | null;
  readonly exchange: readonly { readonly send: string; readonly recv: string | null }[];
}

/** Messages in pieces, or several behind one another, which a log of lines cannot have. */
const NO_LINES = ['08-framing', '21-pieces'];

const conversations = ([...plain, ...more, ...sev] as readonly Conversation[]).filter(
  ({ name, greeting }) => greeting && !NO_LINES.includes(name),
);

const linesOf = (text: string | null): readonly string[] =>
  (text ?? '').split('\r\n').filter((line) => line !== '');

/** A conversation as somebody logs it. */
const logOf = ({ greeting, exchange }: Conversation, client = '-> ', vmm = '<- '): string =>
  [
    ...linesOf(greeting ?? '').map((line) => vmm + line),
    ...exchange.flatMap(({ send, recv }) => [
      client + send.trimEnd(),
      ...linesOf(recv).map((line) => vmm + line),
    ]),
  ].join('\n');

const readFile = (path: string): Uint8Array | string => {
  const made = (files as Record<string, string>)[path.replace(/.*\//, '')];
  if (made !== undefined) return fromBase64(made);
  if (path.includes('nonexistent')) return 'No such file or directory';
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : new Uint8Array(0x20000);
};

describe('a recorded conversation has no difference', () => {
  test('these are all of them', () => {
    expect(conversations).toHaveLength(55);
  });

  test.each(conversations)('$name, with the arguments of its QEMU', (conversation) => {
    const verdict = firstDifference(readQmpLog(logOf(conversation)), {
      arguments: conversation.argv.slice(1),
      readFile,
    });
    expect(verdict.difference).toBeUndefined();
    expect(verdict.steps).toBeGreaterThanOrEqual(conversation.exchange.length);
  });

  test.each(conversations)('$name, from the log alone', (conversation) => {
    const { difference } = firstDifference(readQmpLog(logOf(conversation)));
    expect(difference).toBeUndefined();
  });
});

describe('on hosts that have SEV', () => {
  const logOfHost = (name: string) =>
    readQmpLog(hardware.conversations.find((each) => each.name === name)!.log.join('\n'));

  test('a launch with SEV-ES, secret included, has no difference', () => {
    const { difference, steps, notCompared } = firstDifference(logOfHost('rome-sev-es'));
    expect({ difference, steps, notCompared }).toEqual({ difference: undefined, steps: 4, notCompared: [] });
  });

  test('a packet of 13 bytes was taken there, and is not by the firmware that is emulated', () => {
    const { difference } = firstDifference(logOfHost('api-0.22'));
    expect(difference).toMatchObject({ step: 4, line: 7, recorded: '{"return": {}}' });
    expect(difference?.emulated).toContain("fw_error=4 'Buffer too small'");
  });
});

/** A conversation whose answer to a message is another one; `change` gets the answer's lines. */
const tampered = (name: string, at: number, change: (recv: string) => string): string => {
  const conversation = conversations.find((each) => each.name === name);
  if (conversation === undefined) throw new Error(`no conversation ${name}`);
  const exchange = conversation.exchange.map((each, i) =>
    i === at - 1 ? { ...each, recv: change(each.recv ?? '') } : each,
  );
  return logOf({ ...conversation, exchange });
};

const BAD =
  '{"error": {"class": "GenericError", "desc": "SEV: failed to inject secret ret=-5 fw_error=11 \'Bad measurement\'"}}';

describe('what a QEMU would not have said is found', () => {
  const whole = conversations.find(({ name }) => name === '01-whole-life-sev')!;
  const errors = conversations.find(({ name }) => name === '02-inject-errors')!;
  const missing = conversations.find(({ name }) => name === '05-argument-errors')!;
  const stepOf = ({ exchange }: Conversation, text: string, nth = 0): number =>
    exchange.flatMap(({ send }, i) => (send.includes(text) ? [i + 1] : []))[nth]!;
  const stepAnswered = ({ exchange }: Conversation, text: string): number =>
    exchange.findIndex(({ recv }) => recv?.includes(text)) + 1;
  const cont = stepOf(whole, '"cont"');
  const afterCont = whole.exchange.findIndex(({ send }, i) => i >= cont && send.includes('query-status')) + 1;

  test.for<readonly [what: string, name: string, step: number, change: (recv: string) => string]>([
    [
      'another state than the commands lead to',
      whole.name,
      stepOf(whole, '"query-sev"'),
      (recv) => recv.replace('launch-secret', 'launch-update'),
    ],
    [
      'a guest that runs before cont',
      whole.name,
      stepOf(whole, '"query-status"'),
      (recv) => recv.replace('false}}', 'true}}'),
    ],
    [
      'other words',
      whole.name,
      stepAnswered(whole, '"error"'),
      (recv) => recv.replace(/"desc": "/, '"desc": "Oh: '),
    ],
    ['cont without its event', whole.name, cont, (recv) => recv.replace(/.*RESUME.*\r\n/, '')],
    [
      'an event that nothing causes',
      whole.name,
      stepOf(whole, '"query-status"'),
      (recv) => `{"event": "POWERDOWN", "timestamp": {}}\r\n${recv}`,
    ],
    [
      'a guest that still stands after cont',
      whole.name,
      afterCont,
      () => '{"return": {"status": "prelaunch", "singlestep": false, "running": false}}\r\n',
    ],
    [
      'a header of the wrong length is taken',
      errors.name,
      stepAnswered(errors, 'fw_error=4'),
      () => '{"return": {}}\r\n',
    ],
    [
      'an address that is no multiple of 16 is taken',
      errors.name,
      stepAnswered(errors, 'fw_error=9'),
      () => '{"return": {}}\r\n',
    ],
    [
      'a secret that is no Base64 is taken',
      errors.name,
      stepAnswered(errors, 'Failed to decode data'),
      () => '{"return": {}}\r\n',
    ],
    [
      'a missing argument is another error',
      missing.name,
      stepAnswered(missing, 'is missing'),
      () => `${BAD}\r\n`,
    ],
    [
      'more than KVM takes is refused by the AMD-SP',
      errors.name,
      stepAnswered(errors, 'ret=-22'),
      () => `${BAD}\r\n`,
    ],
    [
      'no answer, and one to what comes next',
      errors.name,
      stepOf(errors, 'sev-inject-launch-secret', 1),
      () => '',
    ],
  ])('%s', ([, name, step, change]) => {
    expect(step).toBeGreaterThan(0);
    const log = tampered(name, step, change);
    expect(log).not.toBe(tampered(name, step, (recv) => recv));
    expect(firstDifference(readQmpLog(log)).difference).toMatchObject({ step });
  });

  test('another measurement the second time', () => {
    const measure = '{"execute": "query-sev-launch-measure"}';
    const log = (last: string) =>
      [measure, '{"return": {"data": "AAAA"}}', measure, `{"return": {"data": "${last}"}}`].join('\n');
    expect(firstDifference(readQmpLog(log('AAAA'))).difference).toBeUndefined();
    expect(firstDifference(readQmpLog(log('AAAB'))).difference).toMatchObject({ step: 2, line: 3 });
  });

  test('another policy than that of the arguments', () => {
    const given = whole.argv.slice(1).map((word) => word.replace('policy=1', 'policy=3'));
    const { difference } = firstDifference(readQmpLog(logOf(whole)), { arguments: given, readFile });
    expect(difference).toMatchObject({ step: stepOf(whole, '"query-sev"') });
  });

  test('a packet whose MAC does not fit was taken, or one that fits refused', () => {
    const { difference } = firstDifference(readQmpLog(logOf(whole)), { fits: () => false });
    expect(difference?.emulated).toContain("fw_error=11 'Bad measurement'");
    expect(difference?.step).toBe(stepOf(whole, 'sev-inject-launch-secret', stepsRefused(whole)));
  });
});

/** How many injections come before the first that was taken. */
const stepsRefused = ({ exchange }: Conversation): number =>
  exchange
    .filter(({ send }) => send.includes('sev-inject-launch-secret'))
    .findIndex(({ recv }) => recv?.includes('return'));

const NEGOTIATE = "Expecting capabilities negotiation with 'qmp_capabilities'";

describe('what people log', () => {
  const whole = conversations.find(({ name }) => name === '01-whole-life-sev')!;
  const lines = logOf(whole, '', '').split('\n');

  test.each([
    ['nothing', (line: string) => line],
    ['arrows', (line: string) => (line.includes('"execute"') ? `-> ${line}` : `<- ${line}`)],
    [
      'letters, behind the time',
      (line: string) => `[12:00:01.5] ${line.includes('"execute"') ? 'C:' : 'S:'} ${line}`,
    ],
    [
      'what libvirt writes',
      (line: string) =>
        line.includes('"execute"')
          ? `2026-01-01 12:00:00.000+0000: 12: info : qemuMonitorSend:861 : QEMU_MONITOR_SEND_MSG: mon=0x7f msg=${line}#015#012 fd=-1`
          : `2026-01-01 12:00:00.000+0000: 12: info : QEMU_MONITOR_RECV_REPLY: mon=0x7f reply=${line}`,
    ],
  ])('%s in front of each line', (_, mark) => {
    const messages = readQmpLog(lines.map(mark).join('\n'));
    expect(messages.map(({ text }) => text.trim())).toEqual(lines);
    expect(firstDifference(messages).difference).toBeUndefined();
  });

  test('other lines are passed over, and an end is no difference', () => {
    const messages = readQmpLog(['hello', ...lines.slice(0, 12), '', '{"a": 1}'].join('\r\n'));
    expect(messages).toHaveLength(12);
    expect(messages[0]?.line).toBe(2);
    expect(firstDifference(messages).difference).toBeUndefined();
    expect(firstDifference(messages.slice(0, -1)).difference).toBeUndefined();
  });

  test('another connection is another conversation with the same machine', () => {
    const [greeting = ''] = lines;
    const again = [
      '{"execute": "query-status"}',
      `{"error": {"class": "CommandNotFound", "desc": "${NEGOTIATE}"}}`,
    ];
    expect(
      firstDifference(readQmpLog([...lines.slice(0, 9), greeting, ...again].join('\n'))).difference,
    ).toBeUndefined();
    const cut = [...lines.slice(0, 10), greeting, ...again].join('\n'); // a question that nobody heard the answer to
    expect(firstDifference(readQmpLog(cut)).difference).toBeUndefined();
    expect(firstDifference(readQmpLog([...lines, ...again].join('\n'))).difference).toBeDefined();
  });

  test('what depends on arguments is not compared without them', () => {
    const log =
      '{"execute": "query-name"}\n{"return": {"name": "other"}}\n{"execute": "query-block"}\n{"return": [1]}';
    const verdict = firstDifference(readQmpLog(log));
    expect(verdict).toEqual({ difference: undefined, steps: 2, notCompared: ['query-name', 'query-block'] });
    expect(firstDifference(readQmpLog(log), { arguments: ['-S'] }).difference).toMatchObject({ step: 1 });
  });
});

describe('what follows from a packet alone needs no keys', () => {
  const injected = (header: number, secret: number, gpa: number, flags = 0): string | undefined => {
    const bytes = (length: number, first = 0) => toBase64(new Uint8Array(length).fill(first, 0, 1));
    const args = { 'packet-header': bytes(header, flags), secret: bytes(secret), gpa };
    const log = `${JSON.stringify({ execute: 'sev-inject-launch-secret', arguments: args })}\n{"return": {}}`;
    return firstDifference(readQmpLog(log)).difference?.emulated?.replace(/.*secret ret=|'.*/g, '');
  };

  test.each([
    [52, 16, 0x1000, 0, undefined],
    [52, 16_384, 0x1000, 0, undefined],
    [52, 16_400, 0x1000, 0, '-22 fw_error=0 '],
    [16_385, 16, 0x1000, 0, '-22 fw_error=0 '],
    [52, 16, 0x1008, 0, '-5 fw_error=9 '],
    [51, 16, 0x1000, 0, '-5 fw_error=4 '],
    [52, 17, 0x1000, 0, '-5 fw_error=4 '],
    [51, 16, 0x1001, 0, '-5 fw_error=9 '],
    [52, 16, 0x1000, 1, '-5 fw_error=21 '],
    [52, 16, 0x1000, 2, undefined],
  ])('a header of %i bytes, a packet of %i, at %i, FLAGS %i: %s', (header, secret, gpa, flags, refusal) => {
    expect(injected(header, secret, gpa, flags)).toBe(refusal);
  });
});
