import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './http-problem.ts';

const LOOPBACK: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * Refuses requests under other names than those of loopback and `names`: a page elsewhere whose name resolves to this
 * machine must not read what is here, and one under its own name must not write.
 */
export function addHostCheck(app: FastifyInstance, names: readonly string[]): void {
  const allowed = new Set([...LOOPBACK, ...names.map(inBrackets)].map((name) => name.toLowerCase()));
  app.addHook('onRequest', async ({ hostname, headers: { origin } }) => {
    if (!allowed.has(hostname.toLowerCase())) throw refusal('host', hostname);
    if (origin !== undefined && !allowed.has(hostOf(origin))) throw refusal('origin', origin);
  });
}

const refusal = (field: string, got: string): HttpProblem =>
  new HttpProblem(403, {
    error: `${field} '${got}' is not allowed`,
    field,
    expected: 'a name of loopback, or one that the server was started for',
    got,
    try: 'sevlab serve --allow-host NAME',
  });

/** An IPv6 address as URLs have it. */
const inBrackets = (name: string): string =>
  name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;

/** `null` is the origin of pages that have none, such as a sandboxed frame. */
const hostOf = (origin: string): string => (URL.canParse(origin) ? new URL(origin).hostname : '');
