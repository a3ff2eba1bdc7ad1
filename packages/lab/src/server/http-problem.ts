/** What an answer says that is no success. */
export interface ProblemText {
  readonly error: string;
  /** Which part of the request: `secrets[0].guid`. */
  readonly field?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly try?: string;
}

/** JSON Schema of ProblemText. */
export const PROBLEM_SCHEMA = {
  type: 'object',
  required: ['error'],
  properties: {
    error: { type: 'string', description: 'what is wrong, in one line' },
    field: { type: 'string', description: 'which part of the request, such as secrets[0].guid' },
    expected: { type: 'string' },
    got: { type: 'string' },
    try: { type: 'string' },
  },
};

/** A request that is not answered as was asked; the sender can do something about it. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly text: ProblemText & Readonly<Record<string, unknown>>;
  /** Seconds after which it is worth asking again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    text: ProblemText & Readonly<Record<string, unknown>>,
    { retryAfter }: { readonly retryAfter?: number } = {},
  ) {
    super(text.error);
    this.name = 'HttpProblem';
    this.status = status;
    this.text = text;
    this.retryAfter = retryAfter;
  }
}

/** A field of the request has a value that cannot be. */
export const badField = (
  field: string,
  error: string,
  more: Omit<ProblemText, 'error' | 'field'> = {},
): HttpProblem => new HttpProblem(400, { error: `${field}: ${error}`, field, ...more });
