import { buildLab } from '@sevlab/lab/server/build-lab';
import { afterAll, beforeAll, expect, it } from 'vitest';

const app = await buildLab();
let url = '';
beforeAll(async () => {
  url = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => app.close());

const get = (path: string) => fetch(`${url}${path}`);

it('serves its page from loopback', async () => {
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const page = await get('/');
  expect(page.status).toBe(200);
  const text = await page.text();
  expect(text).toContain('<title>sevlab: a secret travels</title>');
  for (const [, asset] of text.matchAll(/(?:href|src)="([^"]+)"/g))
    expect((await get(`/${asset}`)).status).toBe(200);
});

it('gives the demonstration as steps, and every step is in a stage', async () => {
  const demo = (await (await get('/api/demo')).json()) as {
    stages: { id: string }[];
    steps: { stage: string; sentence: string }[];
    session: { command: string; output: string }[];
    views: { host: string; guest: string | null }[];
  };
  const ids = demo.stages.map(({ id }) => id);
  expect(ids).toHaveLength(8);
  expect([...new Set(demo.steps.map(({ stage }) => stage))]).toEqual(ids);
  expect(demo.session.map(({ command }) => command.split(' ')[0])).toEqual([
    'ls',
    'hd',
    'rm',
    'ls',
    'decrypt-file',
  ]);
  for (const { host, guest } of demo.views) expect(host).not.toBe(guest);
});

it('gives the trace that the command line gives', async () => {
  const lines = (await (await get('/api/demo/trace?seed=x')).text()).trimEnd().split('\n');
  expect(JSON.parse(lines[0]!)).toMatchObject({ format: 'sevlab-trace', seed: 'x', revealed: true });
  expect(lines.length).toBeGreaterThan(200);
});

it('says what it can do, and refuses what it cannot', async () => {
  expect(await (await get('/api/capabilities')).json()).toMatchObject({ simulated: true });
  const refused = await get('/api/demo?linux=2.4');
  expect({ status: refused.status, body: await refused.json() }).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining("no kernel '2.4'") },
  });
  expect((await get('/api/demo?other=1')).status).toBe(400);
  expect((await get('/api/nothing')).status).toBe(404);
  expect((await get('/../package.json')).status).toBe(404);
});

it('answers under the names of loopback only', async () => {
  const as = (host: string) => app.inject({ url: '/api/capabilities', headers: { host } });
  expect((await as('evil.example')).statusCode).toBe(403);
  expect((await as('evil.example')).json()).toMatchObject({
    error: "host 'evil.example' is not allowed",
    try: 'sevlab serve --allow-host NAME',
  });
  for (const host of ['localhost:8040', '127.0.0.1']) expect((await as(host)).statusCode).toBe(200);
  const named = await buildLab({ allowedHosts: ['class.example'] });
  expect((await named.inject({ url: '/', headers: { host: 'class.example:80' } })).statusCode).toBe(200);
  await named.close();
});
