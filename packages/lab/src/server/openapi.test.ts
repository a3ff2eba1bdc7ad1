import Ajv from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { buildLab } from './build-lab.ts';
import { openApiPath } from './openapi.ts';

interface Description {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { schema: object }>> }>
  >;
}

const app = await buildLab();
afterAll(() => app.close());
const description = (await app.inject('/api/openapi.json')).json<Description>();
const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

/** The routes as fastify's router prints them: a tree with the parts of paths, and methods in brackets. */
function routesOf(printed: string): string[] {
  const above: string[] = [];
  return printed.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods] = /^([ │]*)[├└]── (\S*)(?: \((.*)\))?$/.exec(line) ?? [];
    const depth = indent.length / 4;
    above.length = depth;
    above[depth] = part;
    const path = above.join('');
    return methods !== undefined && path.startsWith('/api/')
      ? methods.split(', ').map((method) => `${method} ${openApiPath(path)}`)
      : [];
  });
}

describe('the description of the API', () => {
  it('has every route, and no other', () => {
    const routes = routesOf(app.printRoutes({ commonPrefix: false }));
    expect(routes.length).toBeGreaterThan(15);
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(routes.sort());
  });

  it('says of each what it is for, what it takes and what it answers', () => {
    for (const { path, method, operation } of operations) {
      expect({ path, method, summary: operation.summary }).toMatchObject({
        summary: expect.stringMatching(/\w/),
      });
      expect(Object.keys(operation.responses).length).toBeGreaterThan(1);
      const names = (operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'path')
        .map(({ name }) => name);
      expect(names).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(operation.requestBody !== undefined).toBe(method === 'POST');
    }
  });

  it('is made of valid schemas', () => {
    const ajv = new Ajv.default({ allowUnionTypes: true });
    for (const { operation } of operations)
      for (const { content } of [operation.requestBody, ...Object.values(operation.responses)].filter(
        (body) => body !== undefined,
      ))
        for (const { schema } of Object.values(content)) expect(ajv.validateSchema(schema)).toBe(true);
  });

  it('is true of what is answered', async () => {
    const ajv = new Ajv.default({ allowUnionTypes: true });
    const expectDescribed = async (method: 'GET' | 'POST', url: string, path: string, payload?: object) => {
      const answer = await app.inject({ method, url, ...(payload && { payload }) });
      const operation = description.paths[path]?.[method.toLowerCase()];
      const of = operation?.responses[answer.statusCode] ?? operation?.responses.default;
      const validate = ajv.compile(of!.content['application/json']!.schema);
      const body: unknown = answer.json();
      expect({ url, holds: validate(body), errors: validate.errors }).toMatchObject({ holds: true });
      return answer;
    };
    await expectDescribed('GET', '/api/scenarios', '/api/scenarios');
    const created = await expectDescribed('POST', '/api/sessions', '/api/sessions', {});
    const { id } = created.json<{ id: string }>();
    const session = '/api/sessions/{id}';
    for (const to of ['launched', 'running', 'launched'])
      await expectDescribed('POST', `/api/sessions/${id}/advance`, `${session}/advance`, { to });
    await expectDescribed('GET', `/api/sessions/${id}`, session);
    const query = 'gpa=0x810000&length=16';
    for (const eyes of ['host', 'guest', 'dma', 'owner'])
      await expectDescribed('GET', `/api/sessions/${id}/memory?${query}&eyes=${eyes}`, `${session}/memory`);
    await expectDescribed('POST', '/api/sessions', '/api/sessions', { part: 'x' });
    const yaml = { 'content-type': 'application/yaml' };
    const run = await app.inject({
      ...{ method: 'POST', url: '/api/runs', headers: yaml },
      payload: 'version: 1\ntitle: x\nsteps: [{ do: launch }]\n',
    });
    const schema =
      description.paths['/api/runs']!.post!.responses['200']!.content['application/json']!.schema;
    expect(run.json<{ deviations: object[] }>().deviations).toHaveLength(1);
    expect(ajv.compile(schema)(run.json())).toBe(true);
  });
});
