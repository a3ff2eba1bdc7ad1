import { STAGES } from '@sevlab/story/stages';
import { stepsOf } from '@sevlab/story/steps';
import type { FastifyInstance } from 'fastify';
import { bothViews } from '../both-views.ts';
import { type Demonstration, demonstrate } from '../demonstration.ts';
import { traceText } from '../trace-file.ts';
import type { Operation } from './operation.ts';
import { demoQuery } from './request-schemas.ts';

/** What a client may choose of a run. */
interface DemoQuery {
  readonly linux?: string;
  readonly seed?: string;
}

const steps: Operation = {
  summary: 'The example of the kernel documentation, as steps',
  answers: { 200: { description: 'stages, steps, shell session and views', schema: { type: 'object' } } },
};

const trace: Operation = {
  summary: 'The trace of the same',
  answers: { 200: { description: 'JSON Lines', type: 'application/jsonl', schema: { type: 'string' } } },
};

export function addDemoRoutes(app: FastifyInstance): void {
  app.get<{ Querystring: DemoQuery }>(
    '/api/demo',
    { schema: { querystring: demoQuery }, config: { operation: steps } },
    ({ query }) => {
      const run = demonstrate(query);
      return {
        simulated: true,
        stages: STAGES,
        steps: stepsOf(run.pipeline.observer.events),
        session: sessionOf(run),
        views: viewsOf(run),
      };
    },
  );

  app.get<{ Querystring: DemoQuery }>(
    '/api/demo/trace',
    { schema: { querystring: demoQuery }, config: { operation: trace } },
    ({ query }, reply) => {
      const text = traceText(demonstrate(query).pipeline, {
        command: 'serve',
        scenario: 'kernel-documentation',
        reveal: true,
      });
      return reply.type('application/jsonl').send(text);
    },
  );
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
