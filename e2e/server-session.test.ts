import { readTrace } from '@sevlab/story/read-trace';
import { describe, expect, it } from 'vitest';
import { type Json, type LabClient, type StreamEvent, startLab } from './test/lab-client.ts';

const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';
const SECRETS = [{ guid: GUID, text: 'correct horse battery staple' }];
const hex = (text: string): string => Buffer.from(text).toString('hex');

/** What the guest's terminal showed so far. */
const screenOf = (events: readonly StreamEvent[]): string =>
  events
    .filter(({ event }) => event === 'terminal')
    .map(({ data }) => String((JSON.parse(data) as Json).output))
    .join('');

/** Types lines, and answers what the terminal showed once the last one was answered. */
async function type(lab: LabClient, session: string, lines: readonly string[]): Promise<string> {
  for (const line of lines) await lab.ask(`${session}/terminal`, { input: `${line}\r` });
  const events = await lab.events(`${session}/events`, (so) => {
    const screen = screenOf(so);
    return lines.every((line) => screen.includes(`# ${line}\r\n`)) && screen.endsWith('# ');
  });
  return screenOf(events).replaceAll('\r\n', '\n');
}

describe('a live session', () => {
  it('goes from state to state, and says what comes next', async () => {
    const lab = await startLab();
    const created = await lab.ask('/api/sessions', { part: 'milan', policy: '0x3', secrets: SECRETS });
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe(`/api/sessions/${String(created.body.id)}`);
    expect(created.body).toMatchObject({ state: 'created', next: 'offer', simulated: true, terminal: false });
    const session = `/api/sessions/${String(created.body.id)}`;
    const way = [
      ['offered', 'launch'],
      ['launched', 'measure'],
      ['measured', 'verify'],
      ['attested', 'seal'],
      ['sealed', 'inject'],
      ['injected', 'finish'],
      ['finished', 'boot'],
      ['running', null],
    ];
    for (const [state, next] of way) {
      const { status, body } = await lab.ask(`${session}/advance`, { to: state });
      expect({ status, body }).toMatchObject({ status: 200, body: { state, next, refusal: null } });
    }
    const { body } = await lab.ask(session);
    expect(body).toMatchObject({
      terminal: true,
      secretArea: { gpa: '0x810000', size: 3072 },
      policy: '0x3',
    });
    expect(await lab.ask(`${session}/advance`, { to: 'launched' })).toMatchObject({
      status: 409,
      body: { field: 'to', got: 'launched' },
    });
  });

  it('gives the same trace whether it takes one step at a time or all at once', async () => {
    const lab = await startLab();
    const wanted = { seed: 'steps', secrets: SECRETS };
    const atOnce = await lab.session(wanted, 'running');
    const slowly = await lab.session(wanted);
    for (const to of [
      'offered',
      'launched',
      'measured',
      'attested',
      'sealed',
      'injected',
      'finished',
      'running',
    ])
      await lab.ask(`${slowly}/advance`, { to });
    const traces = await Promise.all([atOnce, slowly].map((path) => lab.ask<string>(`${path}/trace`)));
    expect(traces[0]!.body).toBe(traces[1]!.body);
    expect(readTrace(traces[0]!.body).events.length).toBeGreaterThan(200);
  });

  it('shows the session of the kernel documentation in its terminal', async () => {
    const lab = await startLab();
    const { body } = await lab.ask<string>('/api/scenarios/kernel-documentation');
    const guids = [...body.matchAll(/guid: ([0-9a-f-]{36})/g)].map(([, guid]) => guid);
    const [first] = guids;
    const secrets = guids.map((guid) => ({ guid, text: 'these-are-the-kata-secrets' }));
    const session = await lab.session({ secrets }, 'running');
    const shown = await type(lab, session, [
      'cd /sys/kernel/security/secrets/coco',
      'ls -1',
      `hd ${first}`,
      `rm ${first}`,
      'ls -1 .',
    ]);
    expect(shown).toBe(
      [
        '# cd /sys/kernel/security/secrets/coco',
        '# ls -1',
        ...[...guids].sort(),
        `# hd ${first}`,
        '00000000  74 68 65 73 65 2d 61 72  65 2d 74 68 65 2d 6b 61  |these-are-the-ka|',
        '00000010  74 61 2d 73 65 63 72 65  74 73                    |ta-secrets|',
        '0000001a',
        `# rm ${first}`,
        '# ls -1 .',
        ...[...guids].sort().filter((guid) => guid !== first),
        '# ',
      ].join('\n'),
    );
  });

  it('starts another shell when one ends, and takes the width of the terminal', async () => {
    const lab = await startLab();
    const session = await lab.session({}, 'running');
    expect((await lab.ask(`${session}/terminal`, { columns: 40 })).status).toBe(204);
    expect(await type(lab, session, ['exit 3', 'echo again'])).toContain('# echo again\nagain\n# ');
  });

  it('has no terminal before the guest runs', async () => {
    const lab = await startLab();
    const session = await lab.session({}, 'injected');
    expect(await lab.ask(`${session}/terminal`, { input: 'ls\r' })).toMatchObject({
      status: 409,
      body: { expected: 'state running', got: 'injected' },
    });
  });

  it('is gone after DELETE', async () => {
    const lab = await startLab();
    const session = await lab.session({}, 'running');
    const stream = lab.events(`${session}/events`);
    expect((await lab.ask(session, undefined, { method: 'DELETE' })).status).toBe(204);
    expect((await stream).at(-1)).toEqual({
      event: 'state',
      data: JSON.stringify({ state: 'ended', reason: 'deleted' }),
    });
    for (const path of ['', '/trace', '/events', '/memory?gpa=0x0&length=1&eyes=host'])
      expect((await lab.ask(`${session}${path}`)).status).toBe(404);
    expect((await lab.ask(session, undefined, { method: 'DELETE' })).status).toBe(404);
  });
});

describe('who refuses is told, and the session goes on', () => {
  it('the guest owner, when the host changes memory before the measurement is closed', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS });
    await lab.ask(`${session}/host`, { attack: { image: { offset: 4096, hex: 'ff' } } });
    const { status, body } = await lab.ask(`${session}/advance`, { to: 'running' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      state: 'measured',
      next: 'verify',
      refusal: { step: 'verify', by: 'guest-owner', reason: expect.stringContaining('measurement') },
    });
  });

  it('the AMD-SP, when a bit of the packet changes on its way', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS }, 'sealed');
    await lab.ask(`${session}/host`, { attack: { packet: { part: 'data', bit: 5 } } });
    expect((await lab.ask(`${session}/advance`, { to: 'injected' })).body).toMatchObject({
      state: 'sealed',
      refusal: { step: 'inject', by: 'amd-sp', status: 'BAD_MEASUREMENT' },
    });
    const events = await lab.events(
      `${session}/events`,
      (so) => so.at(-1)?.data.includes('refusal":{') === true,
    );
    expect(events.at(-1)!.data).toContain('BAD_MEASUREMENT');
  });
});

describe('what a session is started with', () => {
  it('is refused with the field and the reason', async () => {
    const lab = await startLab();
    const cases: [unknown, Json][] = [
      [{ part: 'milano' }, { field: 'part', got: "'milano'", try: 'milan' }],
      [{ policy: -1 }, { field: 'policy', expected: 'must be >= 0' }],
      [{ policy: '3' }, { field: 'policy', expected: '32 bits in hexadecimal, such as "0x3"' }],
      [{ policy: [3] }, { field: 'policy' }],
      [{ linux: '2.4' }, { field: 'linux' }],
      [{ firmware: { layout: '1999' } }, { field: 'firmware.layout' }],
      [{ firmware: {} }, { field: 'firmware', expected: 'one of layout, sha256' }],
      [{ firmware: { layout: '202405', sha256: 'x' } }, { field: 'firmware' }],
      [{ firmware: { sha256: '0'.repeat(64) } }, { field: 'firmware.sha256' }],
      [{ secrets: [{ guid: GUID }] }, { field: 'secrets[0]', expected: 'one of text, hex, base64' }],
      [{ secrets: [{ guid: 'x', text: 'y' }] }, { field: 'secrets[0].guid' }],
      [{ secrets: [{ guid: GUID, hex: '0g' }] }, { field: 'secrets[0].hex', got: 'something else' }],
      [{ secrets: [{ guid: GUID, base64: '?' }] }, { field: 'secrets[0]' }],
      [{ secrets: [{ guid: GUID, file: '/etc/passwd' }] }, { field: 'secrets[0]' }],
      [{ secrets: [{ guid: GUID, env: 'HOME' }] }, { field: 'secrets[0]' }],
      [{ secret: [] }, { field: 'secret', try: 'secrets' }],
      [[], { error: 'expected fields with their values; got a list' }],
      ['x', { error: expect.any(String) }],
    ];
    for (const [wanted, problem] of cases)
      expect({ wanted, ...(await lab.ask('/api/sessions', wanted)) }).toMatchObject({
        wanted,
        status: 400,
        body: problem,
      });
  });

  it('gives every part and policy a guest, SEV-ES too', async () => {
    const lab = await startLab();
    for (const [part, policy] of [
      ['naples', '0x1'],
      ['rome', 7],
      ['milan', '0x3'],
      ['genoa', '0x5'],
    ]) {
      const session = await lab.session({ part, policy, secrets: SECRETS }, 'running');
      expect((await lab.ask(session)).body).toMatchObject({ state: 'running', part, refusal: null });
      expect(await type(lab, session, [`cat /sys/kernel/security/secrets/coco/${GUID}`])).toContain(
        'correct horse',
      );
    }
  });

  it('with a policy that no platform fulfils stops where the AMD-SP says so', async () => {
    const lab = await startLab();
    const session = await lab.session({ policy: '0x00ff0003' }, 'running');
    expect((await lab.ask(session)).body).toMatchObject({
      state: expect.stringMatching(/created|offered/),
      refusal: { step: expect.stringMatching(/offer|launch/) },
    });
  });
});

describe('the three pairs of eyes', () => {
  it('see plaintext in the guest only, and ciphertext elsewhere', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS }, 'injected');
    const look = async (eyes: string) =>
      (await lab.ask(`${session}/memory?gpa=0x810000&length=96&eyes=${eyes}`)).body as {
        hex: string;
        parts: Json[];
      };
    const [host, guest, dma] = [await look('host'), await look('guest'), await look('dma')];
    expect(guest.hex).toContain(hex('correct horse battery staple'));
    expect(host.hex).not.toBe(guest.hex);
    expect(dma.hex).toBe(host.hex);
    expect(host.parts).toEqual([{ gpa: '0x810000', spa: '0x100810000', length: 96, private: true }]);
    await lab.ask(`${session}/advance`, { to: 'running' });
    await type(lab, session, [`rm /sys/kernel/security/secrets/coco/${GUID}`]);
    expect((await look('guest')).hex).not.toContain(hex('correct'));
  });

  it('leave no trace, and need a guest', async () => {
    const lab = await startLab();
    const session = await lab.session();
    const at = `${session}/memory?gpa=0x810000&length=16&eyes=guest`;
    expect((await lab.ask(at)).status).toBe(409);
    await lab.ask(`${session}/advance`, { to: 'running' });
    const before = await lab.ask(`${session}/trace`);
    for (const eyes of ['host', 'guest', 'dma'])
      expect((await lab.ask(`${session}/memory?gpa=0x810000&length=65536&eyes=${eyes}`)).status).toBe(200);
    expect((await lab.ask(`${session}/trace`)).body).toBe(before.body);
  });

  it('find zeros where the host gave no memory', async () => {
    const lab = await startLab();
    const session = await lab.session({}, 'launched');
    const { body } = await lab.ask(`${session}/memory?gpa=0x800000000000&length=32&eyes=guest`);
    expect(body).toMatchObject({ hex: '00'.repeat(32), parts: [{ spa: null, length: 32 }] });
  });

  it('refuse what is no address, no length and no eye', async () => {
    const lab = await startLab();
    const session = await lab.session({}, 'launched');
    for (const [query, field] of [
      ['gpa=810000&length=1&eyes=host', 'gpa'],
      ['gpa=0x1&length=0&eyes=host', 'length'],
      ['gpa=0x1&length=65537&eyes=host', 'length'],
      ['gpa=0x1&length=1.5&eyes=host', 'length'],
      ['gpa=0x1&length=1&eyes=owner', 'eyes'],
      ['gpa=0x1&length=1&eyes=host&as=guest', 'as'],
      ['gpa=0x1&length=1&eyes=host&eyes=guest', 'eyes'],
    ])
      expect(await lab.ask(`${session}/memory?${query}`)).toMatchObject({ status: 400, body: { field } });
    expect((await lab.ask(`${session}/memory`)).status).toBe(400);
  });
});
