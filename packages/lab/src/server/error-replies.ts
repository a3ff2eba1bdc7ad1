import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ScenarioError } from '../scenario/values.ts';
import { HttpProblem, type ProblemText } from './http-problem.ts';
import { scenarioProblem } from './scenario-problem.ts';

/** What fastify itself refuses, by its codes, in our words. */
const REFUSALS: Readonly<Record<string, (request: FastifyRequest) => ProblemText>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: () => ({ error: 'the body is no JSON', expected: 'JSON in UTF-8' }),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => ({ error: 'there is no body', expected: 'JSON' }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => ({ error: 'the body is not as long as Content-Length says' }),
  FST_ERR_CTP_BODY_TOO_LARGE: ({ routeOptions }) => ({
    error: 'the body is too large',
    expected: `at most ${routeOptions.bodyLimit} bytes`,
  }),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ({ routeOptions, headers }) => ({
    error: 'the body has the wrong Content-Type',
    field: 'content-type',
    expected: routeOptions.config.operation?.takes?.join(' or ') ?? 'application/json',
    got: headers['content-type'] ?? 'none',
  }),
  FST_ERR_BAD_URL: () => ({ error: 'the URL is not encoded as URLs are' }),
};

/** Tells somebody who looks after the server, but not the sender, about a fault of ours; no bytes of a request. */
export type ReportFault = (where: string, error: Error) => void;

/** Answers for everything that is thrown. */
export function addErrorReplies(app: FastifyInstance, reportFault: ReportFault): void {
  app.setErrorHandler((error: Error, request, reply) => sendError(error, request, reply, reportFault));
  app.setNotFoundHandler(({ method, url }, reply) =>
    reply.status(404).send({ error: `there is nothing at ${method} ${url}`, try: '/api/openapi.json' }),
  );
}

/** Answers for one error. */
export function sendError(
  error: Error & { readonly code?: string; readonly statusCode?: number },
  request: FastifyRequest,
  reply: FastifyReply,
  reportFault: ReportFault,
): FastifyReply {
  if (error instanceof HttpProblem) {
    if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
    return reply.status(error.status).send(error.text);
  }
  if (error instanceof ScenarioError) return reply.status(400).send(scenarioProblem(error));
  const refusal = REFUSALS[error.code ?? ''];
  if (refusal !== undefined) return reply.status(error.statusCode ?? 400).send(refusal(request));
  if (error.statusCode !== undefined && error.statusCode < 500)
    return reply.status(error.statusCode).send({ error: error.message });
  reportFault(`${request.method} ${request.routeOptions.url ?? 'nothing'}`, error);
  return reply.status(500).send({ error: 'this is a fault of sevlab itself' });
}
