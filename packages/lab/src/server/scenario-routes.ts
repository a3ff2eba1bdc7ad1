import type { FastifyInstance } from 'fastify';
import type { Operation } from './operation.ts';
import { partedScenarioParams, runQuery, scenarioParams } from './request-schemas.ts';
import { ScenarioFiles } from './scenario-files.ts';

interface RunQuery {
  readonly seed?: string;
}

const list: Operation = {
  summary: 'The scenarios that came with sevlab',
  answers: {
    200: {
      description: 'in the order in which a list shows them',
      schema: {
        type: 'array',
        items: {
          type: 'object',
          required: ['id', 'title', 'about', 'group'],
          properties: {
            id: { type: 'string' },
            title: { type: 'string' },
            about: { type: 'string' },
            group: { type: 'string', description: 'demonstration, or a folder such as attacks' },
            lesson: {
              type: 'object',
              description: 'of an attack or a fault: who catches it, and what would',
            },
          },
        },
      },
    },
  },
};

const text: Operation = {
  summary: 'A scenario, as its file has it',
  answers: { 200: { description: 'YAML', type: 'application/yaml', schema: { type: 'string' } } },
};

const trace: Operation = {
  summary: 'Runs a scenario; the same seed gives the same bytes',
  answers: {
    200: { description: 'its trace, revealed', type: 'application/jsonl', schema: { type: 'string' } },
  },
};

/** Scenarios that lie in a folder have an id of two parts. */
export function addScenarioRoutes(app: FastifyInstance): void {
  const files = new ScenarioFiles();
  app.get('/api/scenarios', { config: { operation: list } }, () => files.list());

  app.get<{ Params: { id: string } }>(
    '/api/scenarios/:id',
    { schema: { params: scenarioParams }, config: { operation: text } },
    ({ params: { id } }, reply) => reply.type('application/yaml').send(files.text(id)),
  );
  app.get<{ Params: { id: string; rest: string } }>(
    '/api/scenarios/:id/:rest',
    { schema: { params: partedScenarioParams }, config: { operation: text } },
    ({ params: { id, rest } }, reply) => reply.type('application/yaml').send(files.text(`${id}/${rest}`)),
  );

  app.get<{ Params: { id: string }; Querystring: RunQuery }>(
    '/api/scenarios/:id/trace',
    { schema: { params: scenarioParams, querystring: runQuery }, config: { operation: trace } },
    ({ params: { id }, query: { seed } }, reply) =>
      reply.type('application/jsonl').send(files.trace(id, seed)),
  );
  app.get<{ Params: { id: string; rest: string }; Querystring: RunQuery }>(
    '/api/scenarios/:id/:rest/trace',
    { schema: { params: partedScenarioParams, querystring: runQuery }, config: { operation: trace } },
    ({ params: { id, rest }, query: { seed } }, reply) =>
      reply.type('application/jsonl').send(files.trace(`${id}/${rest}`, seed)),
  );
}
