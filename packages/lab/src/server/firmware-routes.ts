import { MAX_IMAGE_SIZE } from '@sevlab/firmware-sim/image';
import { inspectImage } from '@sevlab/firmware-sim/inspect';
import type { FastifyInstance } from 'fastify';
import { inspectionJson } from '../inspection-json.ts';
import type { FirmwareStore } from './firmware-store.ts';
import { badField } from './http-problem.ts';
import type { Operation } from './operation.ts';

const operation: Operation = {
  summary: 'Looks into a firmware image, and keeps it for sessions until newer ones take its place',
  takes: ['application/octet-stream'],
  answers: {
    200: {
      description: 'what sevlab firmware inspect --json tells',
      schema: {
        type: 'object',
        required: ['sha256', 'size', 'inspection'],
        properties: {
          sha256: { type: 'string' },
          size: { type: 'integer' },
          inspection: { type: 'object' },
        },
      },
    },
  },
};

export async function addFirmwareRoutes(app: FastifyInstance, firmware: FirmwareStore): Promise<void> {
  await app.register(async (own) => {
    own.removeAllContentTypeParsers();
    own.addContentTypeParser<Buffer>(
      'application/octet-stream',
      { parseAs: 'buffer' },
      (_request, body, done) => done(null, body),
    );
    own.post<{ Body: Buffer }>(
      '/api/firmware',
      { bodyLimit: MAX_IMAGE_SIZE, config: { operation } },
      ({ body }) => {
        if (body.length === 0) throw badField('body', 'it is empty', { expected: 'a firmware image' });
        const image = new Uint8Array(body);
        const inspection = inspectionJson(inspectImage(image));
        return { sha256: firmware.keep(image), size: image.length, inspection };
      },
    );
  });
}
