import { COMMAND_ID } from '@sevlab/codec/sev/command';
import { buildLab } from '@sevlab/lab/server/build-lab';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandTimers } from './test/hand-timers.ts';
import { type Answer, type Json, type LabClient, startLab } from './test/lab-client.ts';

const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';
const SECRETS = [{ guid: GUID, text: 'correct horse battery staple' }];
const AREA = { gpa: '0x810000' };

const act = (lab: LabClient, session: string, what: unknown): Promise<Answer> =>
  lab.ask(`${session}/host`, what);

const cells = async (lab: LabClient, session: string, gpa: string, eyes = 'host'): Promise<string> =>
  String((await lab.ask(`${session}/memory?gpa=${gpa}&length=64&eyes=${eyes}`)).body.hex);

describe('the host', () => {
  it('reads and writes memory by both addresses, and never reads the secret', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS }, 'injected');
    const byGpa = await act(lab, session, { read: { ...AREA, length: 64 } });
    const bySpa = await act(lab, session, { read: { spa: '0x100810000', length: 64 } });
    expect(byGpa.body).toEqual(bySpa.body);
    expect(byGpa.body).toEqual({ hex: await cells(lab, session, AREA.gpa) });
    expect(byGpa.body.hex).not.toBe(await cells(lab, session, AREA.gpa, 'guest'));
    expect((await act(lab, session, { write: { gpa: '0x700000', hex: '0102ff' } })).body).toEqual({
      written: 3,
    });
    expect(await cells(lab, session, '0x700000')).toMatch(/^0102ff0000/);
  });

  it('replays what it saved', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS }, 'running');
    const before = await cells(lab, session, AREA.gpa, 'guest');
    const { body } = await act(lab, session, { save: { ...AREA, length: 4096, as: 'page' } });
    expect(body).toMatchObject({ as: 'page', hex: expect.stringMatching(/^[0-9a-f]{8192}$/) });
    await lab.ask(`${session}/terminal`, { input: `rm /sys/kernel/security/secrets/coco/${GUID}\r` });
    expect(await cells(lab, session, AREA.gpa, 'guest')).not.toBe(before);
    expect((await act(lab, session, { replay: { ...AREA, from: 'page' } })).body).toEqual({ written: 4096 });
    expect(await cells(lab, session, AREA.gpa, 'guest')).toBe(before);
    expect(await act(lab, session, { replay: { ...AREA, from: 'book' } })).toMatchObject({
      status: 400,
      body: { field: 'replay.from', expected: 'page' },
    });
  });

  it('moves a page, after which the guest reads other bytes there', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS }, 'running');
    const before = await cells(lab, session, AREA.gpa, 'guest');
    expect((await act(lab, session, { remap: { ...AREA, spa: '0x100811000' } })).status).toBe(200);
    expect(await cells(lab, session, AREA.gpa, 'guest')).not.toBe(before);
    expect(await act(lab, session, { remap: { ...AREA, spa: '0x100811001' } })).toMatchObject({
      status: 400,
      body: { field: 'remap.spa', expected: 'a multiple of 4096' },
    });
  });

  it('sends any command with any buffer', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS }, 'launched');
    const status = await act(lab, session, { command: { name: 'PLATFORM_STATUS', buffer: '00'.repeat(12) } });
    expect(status.body).toMatchObject({ status: 'SUCCESS', code: 0, buffer: '013702000000001901000000' });
    expect((await act(lab, session, { command: { id: 255 } })).body).toMatchObject({
      status: 'INVALID_COMMAND',
      code: 0x11,
      buffer: '',
    });
    const shutdown = { command: { name: 'SHUTDOWN' } };
    expect((await act(lab, session, shutdown)).body).toMatchObject({ status: 'SUCCESS' });
    expect((await lab.ask(`${session}/advance`, { to: 'running' })).body).toMatchObject({
      state: 'launched',
      refusal: { step: 'measure', by: 'amd-sp', status: expect.any(String) },
    });
  });

  it('places a packet by itself and injects it by hand', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS }, 'sealed');
    const { body } = await act(lab, session, {
      attack: {
        command: 'LAUNCH_SECRET',
        fields: {
          handle: 'guest.handle',
          hdrPaddr: { from: 'packet.header' },
          guestPaddr: { gpa: AREA.gpa },
          guestLen: 80,
          transPaddr: { from: 'packet.data' },
        },
      },
    });
    expect(body).toMatchObject({ status: expect.stringMatching(/SUCCESS|INVALID_LENGTH/) });
    expect((await act(lab, session, { place: { hex: 'abcd' } })).body).toEqual({
      spa: expect.stringMatching(/^0x1[0-9a-f]{7}$/),
    });
  });

  it('prepares something for the launch before there is one', async () => {
    const lab = await startLab();
    const session = await lab.session();
    expect((await act(lab, session, { read: { spa: '0x0', length: 4 } })).body).toEqual({ hex: '00000000' });
    expect(await act(lab, session, { read: { ...AREA, length: 4 } })).toMatchObject({ status: 409 });
    expect((await act(lab, session, { attack: { policy: [] } })).body).toMatchObject({ status: 'SUCCESS' });
    expect((await lab.ask(`${session}/advance`, { to: 'running' })).body).toMatchObject({
      refusal: { by: expect.any(String), step: expect.stringMatching(/launch|verify/) },
    });
  });

  it('is told what it misspelt', async () => {
    const lab = await startLab();
    const session = await lab.session({}, 'launched');
    const cases: [unknown, Json][] = [
      [{}, { error: expect.stringContaining('expected one of read, write') }],
      [{ raed: {} }, { try: 'read' }],
      [{ read: { length: 1 } }, { field: 'read', expected: 'one of gpa, spa' }],
      [{ read: { gpa: '0x0', spa: '0x0', length: 1 } }, { field: 'read' }],
      [{ read: { gpa: 0, length: 1 } }, { field: 'read.gpa' }],
      [{ read: { gpa: '0x0', length: 65_537 } }, { field: 'read.length' }],
      [{ read: { gpa: '0x7fffffff0000', length: 1 } }, { field: 'read.gpa' }],
      [{ write: { gpa: '0x0', hex: 'abc' } }, { field: 'write.hex' }],
      [{ read: { gpa: '0x0', length: 1 }, write: { gpa: '0x0', hex: '' } }, { got: 'read and write' }],
      [{ command: { name: 'LAUNCH_SECRETS' } }, { field: 'command.name', try: 'LAUNCH_SECRET' }],
      [{ command: { id: 256 } }, { field: 'command.id' }],
      [{ command: {} }, { field: 'command', expected: 'one of name, id' }],
      [{ attack: { flap: 1 } }, { field: 'attack' }],
      [{ attack: { flip: { gpa: '0x810000', bit: 'x' } } }, { field: 'attack.flip.bit' }],
      [{ attack: { restore: { gpa: '0x810000', from: 'nothing' } } }, { error: expect.any(String) }],
      [
        { attack: { fwCfg: { item: 'kernel', file: '/etc/passwd' } } },
        { error: expect.stringContaining('no files') },
      ],
      [{ attack: { keep: { as: 'x', env: 'HOME' } } }, { error: expect.stringContaining('no environment') }],
    ];
    for (const [what, problem] of cases)
      expect({ what, ...(await act(lab, session, what)) }).toMatchObject({
        what,
        status: 400,
        body: problem,
      });
  });

  it('leaves its acts in the trace', async () => {
    const lab = await startLab();
    const session = await lab.session({}, 'launched');
    await act(lab, session, { write: { ...AREA, hex: 'ff' } });
    await act(lab, session, { attack: { flip: { ...AREA, bit: 1 } } });
    const { body } = await lab.ask<string>(`${session}/trace`);
    const names = body
      .split('\n')
      .filter((line) => line.includes('"type":"attack"'))
      .map((line) => (JSON.parse(line) as Json).name);
    expect(names).toEqual(['write', 'flip']);
  });

  it.each<[string, (i: number) => { path: string; body: object }]>([
    [
      'by writing',
      (i) => ({ path: 'host', body: { write: { spa: `0x${i}000`, hex: 'ab'.repeat(65_536) } } }),
    ],
    ['by saving', (i) => ({ path: 'host', body: { save: { spa: '0x0', length: 65_536, as: `n${i}` } } })],
    [
      'by what the terminal shows',
      () => ({ path: 'terminal', body: { input: `yes ${'x'.repeat(1000)} | head -n 900\r` } }),
    ],
    ['by many small things', () => ({ path: 'host', body: { command: { id: 255 } } })],
  ])('cannot fill the memory of the server %s', { timeout: 300_000 }, async (_, act) => {
    const app = await buildLab({ timers: new HandTimers() });
    const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload });
    const { id } = (await post('/api/sessions', {})).json<{ id: string }>();
    await post(`/api/sessions/${id}/advance`, { to: 'running' });
    let answer = await post(`/api/sessions/${id}/terminal`, {});
    for (let i = 0; i < 25_000 && answer.statusCode < 300; i++) {
      const { path, body } = act(i);
      answer = await post(`/api/sessions/${id}/${path}`, body);
    }
    expect({ status: answer.statusCode, body: answer.json() }).toMatchObject({
      status: 409,
      body: { error: 'the session is full' },
    });
    expect((await post(`/api/sessions/${id}/terminal`, { input: 'x' })).statusCode).toBe(409);
    expect((await app.inject(`/api/sessions/${id}`)).statusCode).toBe(200);
    await app.close();
  });
});

/** Whatever a host does, in whatever order, is answered; and what anybody does after it, too. */
it('does what it likes without a fault of ours', { timeout: 120_000 }, async () => {
  const faults: string[] = [];
  const lab = await startLab({
    reportFault: (where, error) => faults.push(`${where}: ${error.stack ?? ''}`),
    maxSessions: 1000,
  });
  const address = fc.constantFrom(
    '0x0',
    '0x810000',
    '0x810010',
    '0x8000',
    '0xffffe000',
    '0x100810000',
    '0xfffffffff000',
  );
  const target = fc.oneof(
    address.map((gpa) => ({ gpa })),
    address.map((spa) => ({ spa })),
  );
  const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((b) => Buffer.from(b).toString('hex'));
  const id = fc.oneof(fc.constantFrom(...Object.values(COMMAND_ID)), fc.nat(255));
  const hostAct = fc.oneof(
    fc.tuple(target, bytes(64)).map(([at, hex]) => ({ write: { ...at, hex } })),
    fc.tuple(address, address).map(([gpa, spa]) => ({ remap: { gpa, spa } })),
    fc.tuple(id, bytes(96)).map(([number, buffer]) => ({ command: { id: number, buffer } })),
    fc
      .tuple(target, fc.integer({ min: 1, max: 8192 }))
      .map(([at, length]) => ({ save: { ...at, length, as: 'it' } })),
    target.map((at) => ({ replay: { ...at, from: 'it' } })),
    fc.nat(7).map((bit) => ({ attack: { flip: { gpa: '0x810000', bit } } })),
    fc.nat(300).map((bit) => ({ attack: { packet: { part: 'header', bit } } })),
    fc.nat(383).map((bit) => ({ attack: { measurement: { bit } } })),
    fc.constantFrom(1, 5, 100, 509, 510).map((asid) => ({
      attack: { run: { asid, gpa: '0x810000', length: 16, as: 'read' } },
    })),
  );
  const move = fc.oneof(
    { weight: 4, arbitrary: hostAct.map((body) => ({ path: 'host', body: body as object })) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('launched', 'measured', 'attested', 'sealed', 'injected', 'running')
        .map((to) => ({ path: 'advance', body: { to } })),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(
          'ls -la /sys/kernel/security/secrets/coco\r',
          `hd /sys/kernel/security/secrets/coco/${GUID}\r`,
          '\u0003',
          'rmmod efi_secret\r',
        )
        .map((input) => ({ path: 'terminal', body: { input } })),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 12 }), async (moves) => {
      const session = await lab.session({ secrets: SECRETS });
      for (const { path, body } of moves)
        expect((await lab.ask(`${session}/${path}`, body)).status).toBeLessThan(500);
      for (const eyes of ['host', 'guest', 'dma'])
        expect((await lab.ask(`${session}/memory?gpa=0x80fff0&length=64&eyes=${eyes}`)).status).toBeLessThan(
          500,
        );
      expect((await lab.ask(`${session}/trace`)).status).toBe(200);
      await lab.ask(session, undefined, { method: 'DELETE' });
      expect(faults).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
