import Ajv from 'ajv/dist/2020.js';
import type { FastifyInstance } from 'fastify';
import { pathText, problemsOf } from '../schema-problems.ts';
import { HttpProblem } from './http-problem.ts';

/** What of a request is text only, so that numbers must be read out of it. */
const TEXTUAL: ReadonlySet<string> = new Set(['querystring', 'params', 'headers']);

/** Requests are held against the schemas of their routes: nothing is dropped, and of a body nothing is converted. */
export function addRequestValidation(app: FastifyInstance): void {
  const options = { allErrors: false, allowUnionTypes: true };
  const strict = new Ajv.default(options);
  const reading = new Ajv.default({ ...options, coerceTypes: true });
  app.setValidatorCompiler<object>(({ schema, httpPart }) => {
    const holds = (TEXTUAL.has(httpPart ?? '') ? reading : strict).compile(schema);
    return (value: unknown) => (holds(value) ? { value } : { error: problemOf(schema, value) });
  });
}

function problemOf(schema: object, value: unknown): HttpProblem {
  const [first, ...others] = problemsOf(schema, value).map(({ path, message, expected, got, near }) => {
    const field = pathText(path);
    return {
      error: field === '' ? message : `${field}: ${message}`,
      ...(field !== '' && { field }),
      ...(expected !== undefined && { expected }),
      ...(got !== undefined && { got }),
      ...(near !== undefined && { try: near }),
    };
  });
  const error = first ?? {
    error: 'the request does not have the form that is described in /api/openapi.json',
  };
  return new HttpProblem(400, { ...error, ...(others.length > 0 && { others }) });
}
