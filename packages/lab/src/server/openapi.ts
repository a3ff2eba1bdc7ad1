import type { FastifyInstance, RouteOptions } from 'fastify';
import { VERSION } from '../version.ts';
import { PROBLEM_SCHEMA } from './http-problem.ts';

/** Collects the routes of the API that are added from here on, and describes them at /api/openapi.json. */
export function addOpenApi(app: FastifyInstance): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith('/api/')) routes.push(route);
  });
  app.get(
    '/api/openapi.json',
    {
      config: {
        operation: {
          summary: 'This description, OpenAPI 3.1',
          answers: { 200: { description: 'an OpenAPI document', schema: { type: 'object' } } },
        },
      },
    },
    () => describeApi(routes),
  );
}

function describeApi(routes: readonly RouteOptions[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = openApiPath(route.url);
    for (const method of [route.method].flat()) {
      paths[path] ??= {};
      paths[path][method.toLowerCase()] = describeOperation(route);
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'sevlab',
      version: VERSION,
      description: 'A simulated platform with AMD SEV. Nothing here is real, and no secret is safe here.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
  };
}

/** `/api/sessions/:id` → `/api/sessions/{id}`; a pattern behind a name, and the rest of a path, are names too. */
export const openApiPath = (url: string): string => url.replace(/:(\w+)(\([^)]*\))?/g, '{$1}');

function describeOperation({ schema, config }: RouteOptions): object {
  const { summary, takes = ['application/json'], answers = {} } = config?.operation ?? {};
  const content = (types: readonly string[], of: unknown) =>
    Object.fromEntries(types.map((type) => [type, { schema: of }]));
  return {
    summary,
    ...(schema?.params || schema?.querystring
      ? { parameters: [...parametersOf('path', schema.params), ...parametersOf('query', schema.querystring)] }
      : {}),
    ...(schema?.body || config?.operation?.takes
      ? { requestBody: { required: true, content: content(takes, schema?.body ?? {}) } }
      : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(
          ([status, { description, type = 'application/json', schema: of = {} }]) => [
            status,
            { description, content: content([type], of) },
          ],
        ),
      ),
      default: {
        description: 'what is wrong with the request, or with us',
        content: content(['application/json'], PROBLEM_SCHEMA),
      },
    },
  };
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, { readonly description?: string }>>;
  readonly required?: readonly string[];
}

function parametersOf(place: 'path' | 'query', schema: unknown): object[] {
  const { properties = {}, required = [] } = (schema ?? {}) as ObjectSchema; // schemas of parameters are objects
  return Object.entries(properties).map(([name, { description, ...value }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description !== undefined && { description }),
    schema: value,
  }));
}
