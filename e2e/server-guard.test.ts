import { connect } from 'node:net';
import { buildLab } from '@sevlab/lab/server/build-lab';
import { describe, expect, it } from 'vitest';
import { type Answer, askAs, type Json, type LabClient, startLab } from './test/lab-client.ts';

const HEADERS = [
  'content-security-policy',
  'x-content-type-options',
  'referrer-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
];

/** What a client sends down a bare connection, and what comes back before it is closed. */
const exchange = (lab: LabClient, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(lab.url);
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part;
    });
    socket.on('error', reject).on('close', () => resolve(answer));
  });

describe('who may ask', () => {
  it('comes under a name of loopback, or one that was allowed', async () => {
    const lab = await startLab({ allowedHosts: ['class.example', '::2'] });
    const { port } = new URL(lab.url);
    const url = `${lab.url}/api/capabilities`;
    for (const host of [
      '127.0.0.1',
      'localhost',
      `LOCALHOST:${port}`,
      `[::1]:${port}`,
      'class.example:80',
      '[::2]',
    ])
      expect({ host, ...(await askAs(url, { host })) }).toMatchObject({ host, status: 200 });
    const wrong = [
      ...['evil.example', 'localhost.evil.example', 'evil.example:8040', '127.0.0.1.nip.io', '127.0.0.2'],
      ...[
        '0.0.0.0',
        '[::]',
        'xlocalhost',
        'class.example.evil',
        'user@localhost',
        'localhost@evil.example',
        '-',
      ],
    ];
    for (const host of wrong)
      expect({ host, ...(await askAs(url, { host })) }).toMatchObject({ host, status: 403 });
  });

  it('comes from no page elsewhere', async () => {
    const lab = await startLab({ allowedHosts: ['class.example'] });
    const { host } = new URL(lab.url);
    const url = `${lab.url}/api/sessions`;
    for (const origin of ['http://localhost:1234', `http://${host}`, 'https://class.example', 'http://[::1]'])
      expect({ origin, ...(await askAs(`${lab.url}/`, { host, origin })) }).toMatchObject({
        origin,
        status: 200,
      });
    const wrong = [
      'https://evil.example',
      'null',
      'http://localhost.evil.example',
      'file://',
      'localhost',
      'http://',
    ];
    for (const origin of wrong) {
      const { status, text } = await askAs(url, { host, origin });
      expect({ origin, status }).toEqual({ origin, status: 403 });
      expect(JSON.parse(text)).toMatchObject({ field: 'origin', try: 'sevlab serve --allow-host NAME' });
    }
  });

  it('gets no word of what is here under another name: page, API and streams alike', async () => {
    const lab = await startLab();
    const session = await lab.session();
    for (const path of ['/', '/page.js', '/api/openapi.json', '/api/nothing', session, `${session}/events`]) {
      const { status, text } = await askAs(`${lab.url}${path}`, { host: 'rebound.example' });
      expect({ path, status }).toEqual({ path, status: 403 });
      expect(JSON.parse(text)).toMatchObject({ field: 'host', got: 'rebound.example' });
    }
  });
});

describe('every answer', () => {
  it('has the headers that keep a browser from harm', async () => {
    const lab = await startLab();
    const session = await lab.session();
    const answers = [
      await lab.ask('/'),
      await lab.ask('/page.css'),
      await lab.ask('/nothing'),
      await lab.ask('/%zz'),
      await lab.ask('/api/capabilities'),
      await lab.ask('/api/sessions', { part: 1 }),
      await lab.ask('/api/sessions', undefined, { method: 'POST', body: '{', headers: json }),
      await lab.ask(`${session}/events?after=99`),
      await lab.ask(`${session}/trace`),
      await lab.ask(session, undefined, { method: 'DELETE' }),
      await lab.ask('/api/sessions', {}, { headers: { ...json, origin: 'http://evil.example' } }),
    ];
    for (const { status, headers } of answers)
      for (const name of HEADERS)
        expect({ status, name, value: headers.get(name) }).not.toMatchObject({ value: null });
    expect(answers[0]!.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    const stream = await fetch(`${lab.url}${await lab.session()}/events`);
    for (const name of HEADERS) expect(stream.headers.get(name)).not.toBeNull();
    expect(stream.headers.get('cache-control')).toBe('no-store');
    await stream.body?.cancel();
  });

  it('has them even when what came was no HTTP', async () => {
    const lab = await startLab();
    for (const [text, status] of [
      ['what?\r\n\r\n', 400],
      ['GET / HTTP/1.1\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, 431],
    ] as const) {
      const answer = await exchange(lab, text);
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      for (const name of text.startsWith('GET / HTTP/1.1\r\n\r\n') ? [] : HEADERS)
        expect(answer).toContain(`${name}: `);
    }
  });
});

const json = { 'content-type': 'application/json' };

describe('what is no request', () => {
  it('is refused with the reason', async () => {
    const lab = await startLab();
    const send = (body: string, headers: Record<string, string> = json) =>
      lab.ask('/api/sessions', undefined, { method: 'POST', body, headers });
    const cases: [() => Promise<Answer>, number, Json][] = [
      [() => send('{"part":'), 400, { error: 'the body is no JSON' }],
      [() => send('{"part":"milan"}x'), 400, { error: 'the body is no JSON' }],
      [() => send(''), 400, { error: 'there is no body' }],
      [() => send('{"__proto__":{"part":"milan"}}'), 400, { error: 'the body is no JSON' }],
      [() => send('{"constructor":{"prototype":{"x":1}}}'), 400, {}],
      [
        () => send('{}', { 'content-type': 'text/plain' }),
        415,
        { expected: 'application/json', got: 'text/plain' },
      ],
      [() => send(`{"seed":"${'x'.repeat(300_000)}"}`), 413, { expected: 'at most 262144 bytes' }],
      [() => send('[]'), 400, {}],
      [() => send('null'), 400, {}],
      [() => lab.ask('/api/%'), 400, { error: 'the URL is not encoded as URLs are' }],
      [() => lab.ask('/api/capabilities', {}), 404, { error: 'there is nothing at POST /api/capabilities' }],
      [() => lab.ask('/api/sessions'), 404, {}],
      [() => lab.ask(`/api/sessions/${'x'.repeat(500)}`), 404, {}],
    ];
    for (const [i, [answer, status, problem]] of cases.entries())
      expect({ i, ...(await answer()) }).toMatchObject({
        i,
        status,
        body: { error: expect.any(String), ...problem },
      });
  });

  it('never comes to a stack trace', async () => {
    const lab = await startLab();
    const faults: string[] = [];
    const app = await buildLab({ reportFault: (where, { message }) => faults.push(`${where}: ${message}`) });
    app.get('/api/broken', () => {
      throw new Error('hunter2 at /root/x.ts');
    });
    const answer = await app.inject('/api/broken');
    expect({ status: answer.statusCode, body: answer.json() }).toEqual({
      status: 500,
      body: { error: 'this is a fault of sevlab itself' },
    });
    expect(faults).toEqual(['GET /api/broken: hunter2 at /root/x.ts']);
    await app.close();
    for (const path of ['/api/nothing', '/nothing', '/api/sessions/x', '/api/scenarios/x'])
      expect(JSON.stringify((await lab.ask(path)).body)).not.toMatch(/\bat \/|\.ts:|node_modules/);
  });
});

describe('files', () => {
  it('are those of the page and of the scenarios, whatever way a path takes', async () => {
    const lab = await startLab();
    const paths = [
      ...[
        '/../package.json',
        '/..%2fpackage.json',
        '/%2e%2e/package.json',
        '/..%5cpackage.json',
        '/.git/config',
      ],
      ...['//etc/passwd', '/%00', '/page.js%00.css', '/....//package.json', '/public/../../package.json'],
      ...['/api/scenarios/..%2f..%2fpackage', '/api/scenarios/attacks%2f..%2f..%2f..%2fpackage.json'],
      ...[
        '/api/scenarios/attacks/..%2f..%2fscenario.schema',
        '/api/scenarios/attacks/list',
        '/api/scenarios/attacks',
      ],
      ...['/api/scenarios/..', '/api/scenarios/%2e%2e/trace', '/api/scenarios/attacks/a05-packet-again.yaml'],
      ...[
        '/api/scenarios/attacks/a05-packet-again%00',
        '/api/scenarios/%2fetc%2fpasswd',
        '/api/scenarios/constructor',
      ],
    ];
    for (const path of paths) {
      const answer = await exchange(
        lab,
        `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      );
      expect({ path, answer }).toMatchObject({
        path,
        answer: expect.stringMatching(/^HTTP\/1\.1 (400|403|404) /),
      });
      expect(answer).not.toMatch(/sevlab-trace|"dependencies"|root:x:|\[core\]/);
    }
  });

  it('of the page that is missing are told to be built', async () => {
    const lab = await startLab({ page: '/nonexistent' });
    const { status, body } = await lab.ask<string>('/');
    expect(status).toBe(503);
    expect(body).toContain('The page is not built');
    expect((await lab.ask('/api/capabilities')).status).toBe(200);
  });
});

describe('slow clients', () => {
  it('keep nobody waiting, and have half a minute for a request', async () => {
    const app = await buildLab();
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    expect(app.server.requestTimeout).toBe(30_000);
    const { hostname, port } = new URL(url);
    const slow = Array.from({ length: 50 }, () => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      socket.write(
        'POST /api/firmware HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/octet-stream\r\n',
      );
      socket.write('content-length: 16777216\r\n\r\nhalf');
      return socket;
    });
    for (let i = 0; i < 20; i++) expect((await fetch(`${url}/api/capabilities`)).status).toBe(200);
    const closing = app.close();
    await closing; // half requests do not keep it
    for (const socket of slow) socket.destroy();
  });
});
