import fastifyStatic from '@fastify/static';
import { STAGES } from '@sevlab/story/stages';
import { stepsOf } from '@sevlab/story/steps';
import Fastify, { type FastifyInstance } from 'fastify';
import { bothViews } from '../both-views.ts';
import { capabilities } from '../capabilities.ts';
import { type Demonstration, demonstrate } from '../demonstration.ts';
import { WEB_FOLDER } from '../root-folder.ts';
import { ScenarioError } from '../scenario/values.ts';
import { traceText } from '../trace-file.ts';

/** What a client may choose of a run. */
interface RunQuery {
  readonly linux?: string;
  readonly seed?: string;
}

const runQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { linux: { type: 'string', maxLength: 40 }, seed: { type: 'string', maxLength: 200 } },
} as const;

export interface LabOptions {
  /** Names besides those of loopback under which clients may come. */
  readonly allowedHosts?: readonly string[];
}

/** The HTTP side of the lab, not listening yet: a page, and the demonstration as data. */
export async function buildLab(options: LabOptions = {}): Promise<FastifyInstance> {
  const app = Fastify({ forceCloseConnections: true });
  const allowed = new Set(['127.0.0.1', 'localhost', '[::1]', ...(options.allowedHosts ?? [])]);
  app.addHook('onRequest', async ({ hostname }, reply) => {
    // a page elsewhere whose name resolves to this machine must not read what is here
    if (!allowed.has(hostname))
      await reply.status(403).send({ error: `host '${hostname}' is not allowed; try --allow-host` });
  });
  await app.register(fastifyStatic, { root: WEB_FOLDER });

  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error instanceof ScenarioError ? 400 : (error.statusCode ?? 500);
    return reply
      .status(status)
      .send({ error: status === 500 ? 'this is a fault of sevlab itself' : error.message });
  });

  app.setNotFoundHandler(({ url }, reply) => reply.status(404).send({ error: `there is nothing at ${url}` }));

  app.get('/api/capabilities', () => capabilities());

  app.get<{ Querystring: RunQuery }>('/api/demo', { schema: { querystring: runQuery } }, ({ query }) => {
    const run = demonstrate(query);
    return {
      simulated: true,
      stages: STAGES,
      steps: stepsOf(run.pipeline.observer.events),
      session: sessionOf(run),
      views: viewsOf(run),
    };
  });

  app.get<{ Querystring: RunQuery }>(
    '/api/demo/trace',
    { schema: { querystring: runQuery } },
    ({ query }, reply) => {
      const text = traceText(demonstrate(query).pipeline, {
        command: 'serve',
        scenario: 'kernel-documentation',
        reveal: true,
      });
      return reply.type('application/jsonl').send(text);
    },
  );

  return app;
}

const sessionOf = ({ results }: Demonstration) =>
  results.flatMap(({ step, output }) =>
    'shell' in step ? [{ command: step.shell, output: output ?? '' }] : [],
  );

const viewsOf = ({ pipeline }: Demonstration) =>
  bothViews(pipeline).map(({ place, host, guest }) => ({
    place,
    host: Buffer.from(host).toString('hex'),
    guest: guest === undefined ? null : Buffer.from(guest).toString('hex'),
  }));
