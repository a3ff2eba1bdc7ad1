import type { FastifyInstance } from 'fastify';

/** On every answer. Inline styles are the terminal's, which cannot do without. */
export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Before anything else looks at a request, so that refusals have them too. */
export function addSecurityHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ url }, reply) => {
    reply.headers(SECURITY_HEADERS);
    if (url.startsWith('/api/')) reply.header('cache-control', 'no-store');
  });
}
