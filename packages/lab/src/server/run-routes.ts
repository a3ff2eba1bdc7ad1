import type { FastifyInstance } from 'fastify';
import type { Operation } from './operation.ts';
import { runSent } from './sent-run.ts';
import type { Timers } from './timers.ts';

/** Bytes. */
const SCENARIO_MAX = 256 * 1024;

const operation: Operation = {
  summary: 'Runs a scenario that is sent, YAML or JSON; it gets no files and no environment of the server',
  takes: ['application/yaml', 'application/json', 'text/plain'],
  answers: {
    200: {
      description: 'whether everything was as it expects, and its trace',
      schema: {
        type: 'object',
        required: ['passed', 'steps', 'deviations', 'trace'],
        properties: {
          passed: { type: 'boolean' },
          steps: { type: 'integer', description: 'how many were taken; the first that deviates is the last' },
          deviations: {
            type: 'array',
            items: {
              type: 'object',
              required: ['step', 'line', 'column', 'expected', 'actual'],
              properties: {
                step: { type: 'integer', description: 'from 0' },
                line: { type: 'integer' },
                column: { type: 'integer' },
                expected: { type: 'string' },
                actual: { type: 'string' },
                cause: { type: 'string' },
              },
            },
          },
          trace: { type: 'string', description: 'JSON Lines, revealed' },
        },
      },
    },
  },
};

export async function addRunRoutes(app: FastifyInstance, timers: Timers): Promise<void> {
  await app.register(async (own) => {
    own.removeAllContentTypeParsers(); // places in a scenario are those of its text
    own.addContentTypeParser<Buffer>(
      [...(operation.takes ?? []), 'text/yaml'],
      { parseAs: 'buffer' },
      takeBytes,
    );
    own.post<{ Body: Buffer }>('/api/runs', { bodyLimit: SCENARIO_MAX, config: { operation } }, ({ body }) =>
      runSent(body, timers),
    );
  });
}

const takeBytes = (_request: unknown, body: Buffer, done: (error: null, body: Buffer) => void): void =>
  done(null, body);
