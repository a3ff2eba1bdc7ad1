import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** The page, or word that it was not built. */
export async function addPage(app: FastifyInstance, folder: string): Promise<void> {
  if (existsSync(join(folder, 'index.html'))) {
    await app.register(fastifyStatic, { root: folder });
    return;
  }
  app.get('/', (_request, reply) =>
    reply
      .status(503)
      .type('text/plain; charset=utf-8')
      .send(
        `The page is not built: ${folder} has no index.html. Try: npm run setup. The API is at /api/openapi.json.\n`,
      ),
  );
}
