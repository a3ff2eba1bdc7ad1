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

it('says what it can do, and has nothing elsewhere', async () => {
  expect(await (await get('/api/capabilities')).json()).toMatchObject({ simulated: true });
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
