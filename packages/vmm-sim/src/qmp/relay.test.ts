import { concat, fromHex, utf8 } from '@sevlab/codec/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OBLIGING_CALLS } from '../../test/obliging-calls.ts';
import { silentMachine } from '../../test/silent-machine.ts';
import strayBytes from '../../test/vectors/qmp-stray-bytes.json' with { type: 'json' };
import { openSession, receive } from './monitor.ts';
import { fromClient, fromReal, isBusy, openRelay, type ToSend } from './relay.ts';

const GUEST = [
  '-object',
  'sev-guest,id=sev0,cbitpos=51,reduced-phys-bits=1',
  '-machine',
  'confidential-guest-support=sev0',
];
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** A client of a relay behind which another emulated QEMU, without SEV, takes the real one's place. */
class Conversation {
  readonly ours = silentMachine(GUEST, OBLIGING_CALLS);
  readonly #real = silentMachine();
  readonly #session = openSession(this.#real);
  readonly #relay = openRelay(this.ours);
  /** What came to the real one. */
  forwarded = '';
  received = '';
  /** How many bytes the real one's answers are cut into. */
  readonly #piece: number;
  /** What the real one was given and has not looked at, when it is slow. */
  readonly #unread: Uint8Array[] = [];
  readonly slow: boolean;

  constructor({ piece = Number.MAX_SAFE_INTEGER, slow = false }: { piece?: number; slow?: boolean } = {}) {
    this.#piece = piece;
    this.slow = slow;
    this.#answer(bytesOf(this.#session.greeting));
  }

  get busy(): boolean {
    return isBusy(this.#relay);
  }

  type(text: string | Uint8Array): this {
    this.#send(fromClient(this.ours, this.#relay, typeof text === 'string' ? bytesOf(text) : text));
    return this;
  }

  /** Lets a slow one answer what it was given. */
  settle(): this {
    while (this.#unread.length > 0)
      this.#answer(bytesOf(receive(this.#real, this.#session.session, concat(...this.#unread.splice(0)))));
    return this;
  }

  /** What it was told since, a line each. */
  lines(): string[] {
    const lines = this.received.split('\r\n').slice(0, -1);
    this.received = '';
    return lines;
  }

  #send({ real, client }: ToSend): void {
    this.received += latin1(client);
    this.forwarded += latin1(real);
    if (real.length === 0) return;
    this.#unread.push(real);
    if (!this.slow) this.settle();
  }

  #answer(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += this.#piece)
      this.#send(fromReal(this.ours, this.#relay, bytes.subarray(at, at + this.#piece)));
  }
}

const CAPABILITIES = "{'execute':'qmp_capabilities'}";
const ok = '{"return": {}}';
const command = (execute: string, args?: Record<string, unknown>): string =>
  JSON.stringify({ execute, ...(args && { arguments: args }) });
const negotiated = (options = {}): Conversation => {
  const conversation = new Conversation(options).type(CAPABILITIES).settle();
  conversation.lines();
  conversation.forwarded = '';
  return conversation;
};

describe('whose answer a client gets', () => {
  it.each([
    ['query-sev', undefined, /"state": "launch-secret"/],
    ['query-sev-capabilities', undefined, /"cbitpos": 51/],
    ['query-sev-launch-measure', undefined, /"data": "CQkJ/],
    ['query-sev-attestation-report', { mnonce: 'AAAAAAAAAAAAAAAAAAAAAA==' }, /"data": "AAAA/],
    [
      'sev-inject-launch-secret',
      { 'packet-header': 'AAAA', secret: 'AAAA', gpa: 0x10000 },
      /^\{"return": \{\}\}$/,
    ],
    [
      'sev-inject-launch-secret',
      { 'packet-header': 'AAAA', secret: '//8=', gpa: 0x10000 },
      /ret=-5 fw_error=11 'Bad measurement'/,
    ],
    ['sev-inject-launch-secret', { secret: 'AAAA' }, /Parameter 'packet-header' is missing/],
    ['pmemsave', { val: 0, size: 16, filename: 'x' }, /^\{"return": \{\}\}$/],
    ['human-monitor-command', { 'command-line': 'info sev' }, /handle: 7/],
    ['human-monitor-command', { 'command-line': 'xp /4xb 0' }, /0x00 0x00 0x00 0x00/],
    ['qom-get', { path: '/objects/sev0', property: 'handle' }, /^\{"return": 7\}$/],
    ['qom-get', { path: '/machine', property: 'confidential-guest-support' }, /\/objects\/sev0/],
  ])('%s is answered here', (name, args, answer) => {
    const conversation = negotiated().type(command(name, args));
    const [line, ...more] = conversation.lines();
    expect(line).toMatch(answer);
    expect(more).toEqual([]);
    expect(conversation.forwarded).toBe('');
  });

  it.each([
    ['query-status', undefined],
    ['query-version', undefined],
    ['qom-get', { path: '/machine', property: 'type' }],
    ['human-monitor-command', { 'command-line': 'info status' }],
    ['no-such-command', undefined],
  ])('%s goes to the real one, as it was written', (name, args) => {
    const text = ` ${command(name, args)}`;
    expect(negotiated().type(text).forwarded.trim()).toBe(text.trim());
  });

  it('cont ends the launch here, and the real one lets the guest run', () => {
    const conversation = negotiated().type(command('cont') + command('query-sev') + command('query-status'));
    expect(conversation.lines()).toEqual([
      '{"timestamp": {"seconds": 0, "microseconds": 0}, "event": "RESUME"}',
      ok,
      expect.stringContaining('"state": "running"'),
      expect.stringContaining('"status": "running"'),
    ]);
    expect(conversation.type(command('migrate', { uri: 'tcp:x:1' })).lines()[0]).toContain('not implemented');
  });

  it('a reset ends a guest of SEV-ES', () => {
    const ours = silentMachine(
      [...GUEST.map((word) => word.replace('id=sev0', 'id=sev0,policy=5'))],
      OBLIGING_CALLS,
    );
    const relay = openRelay(ours);
    fromClient(ours, relay, utf8(CAPABILITIES));
    fromReal(ours, relay, utf8('{"return": {}}\r\n'));
    const { real, client } = fromClient(ours, relay, utf8(command('system_reset')));
    expect(real).toHaveLength(0);
    expect(latin1(client)).toContain('SHUTDOWN');
    expect(ours.state.exit).toBeDefined();
  });

  it('before the negotiation the real one refuses, whatever it is', () => {
    const conversation = new Conversation().type(command('query-sev'));
    expect(conversation.lines().slice(1)).toEqual([
      expect.stringContaining("Expecting capabilities negotiation with 'qmp_capabilities'"),
    ]);
    expect(
      conversation.type("{'execute':'qmp_capabilities','arguments':{'enable':['no']}}").lines()[0],
    ).toContain('error');
    expect(conversation.type(command('query-sev')).lines()[0]).toContain('Expecting capabilities');
    expect(conversation.type(CAPABILITIES + command('query-sev')).lines()[1]).toContain('launch-secret');
  });
});

describe('the order of answers', () => {
  it('is that of the commands, however slow the real one is', () => {
    const conversation = negotiated({ slow: true });
    const ids = ['query-sev', 'query-status', 'query-sev', 'query-name', 'no-such', 'query-sev'].map(
      (execute, id) => JSON.stringify({ execute, id }),
    );
    conversation.type(ids.join(' '));
    expect(conversation.lines().map((line) => JSON.parse(line).id)).toEqual([0]);
    conversation.settle();
    expect(conversation.lines().map((line) => JSON.parse(line).id)).toEqual([1, 2, 3, 4, 5]);
  });

  it('a client with eight commands under way has to wait', () => {
    const conversation = negotiated({ slow: true });
    expect(conversation.type(command('query-status').repeat(7)).busy).toBe(false);
    expect(conversation.type(command('query-sev')).busy).toBe(true);
    expect(conversation.settle().busy).toBe(false);
    expect(conversation.lines()).toHaveLength(8);
  });
});

const direct = (pieces: readonly Uint8Array[]): string => {
  const machine = silentMachine();
  const { session, greeting } = openSession(machine);
  return greeting + pieces.map((piece) => receive(machine, session, piece)).join('');
};

const cut = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const at = [0, ...places.filter((place) => place < bytes.length), bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
};

describe('whatever a client sends', () => {
  const piece = fc.oneof(
    fc.constantFrom(...(strayBytes as [string, string[]][]).map(([hex]) => fromHex(hex))),
    fc.constantFrom(
      ...[
        '1',
        ' 2.5e3',
        'true',
        'hello',
        '"x"',
        '{',
        '}',
        '[',
        '\n',
        '\xff',
        command('query-name'),
        CAPABILITIES,
      ].map(bytesOf),
    ),
  );

  it('comes through as if nobody stood between', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 6 }),
        fc.array(fc.nat(200), { maxLength: 5 }),
        fc.nat(20),
        (parts, cuts, size) => {
          const bytes = concat(bytesOf(CAPABILITIES), ...parts, Uint8Array.of(0x0a, 0xff, 0x0a));
          const conversation = new Conversation({ piece: size + 1 });
          for (const each of cut(bytes, cuts)) conversation.type(each);
          expect(conversation.received).toBe(direct([bytes]));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a command of SEV in between is answered once, in its place', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 3 }),
        fc.array(fc.nat(200), { maxLength: 5 }),
        (parts, cuts) => {
          const flush = Uint8Array.of(0x0a, 0xff, 0x0a);
          const before = concat(bytesOf(CAPABILITIES), ...parts, flush);
          const conversation = new Conversation();
          for (const each of cut(concat(before, bytesOf(command('query-sev')), flush), cuts))
            conversation.type(each);
          const expected = direct([before]).split('\r\n').slice(0, -1);
          const lines = conversation.lines();
          expect(lines.slice(0, expected.length)).toEqual(expected);
          expect(lines[expected.length]).toContain('"enabled": true');
          expect(lines).toHaveLength(expected.length + 2);
        },
      ),
    );
  });
});
