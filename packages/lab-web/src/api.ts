/** The lab refused, or could not be reached: what it said. */
export class ApiError extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The field that is wrong, when the lab names one. */
  readonly field: string | undefined;
  /** Seconds after which to ask again, when the lab says so. */
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, field?: string, retryAfter?: number) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.field = field;
    this.retryAfter = retryAfter;
  }
}

/** What the lab says of a request that it does not answer as was asked. */
interface Problem {
  readonly error?: string;
  readonly field?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly try?: string;
  /** In a scenario that was sent. */
  readonly line?: number;
  readonly column?: number;
  /** What else is wrong. */
  readonly others?: readonly Problem[];
}

/** One line for each thing that is wrong. */
function problemText({ error, expected, got, line, column, try: remedy, others = [] }: Problem): string {
  const parts = [
    line === undefined ? error : `Line ${line}, column ${column}: ${error}`,
    expected === undefined ? '' : `expected ${expected}`,
    got === undefined ? '' : `got ${got}`,
    remedy === undefined ? '' : `try ${remedy}`,
  ];
  return [parts.filter((part) => part !== '').join('; '), ...others.map(problemText)].join('\n');
}

/** What goes to the lab: its bytes, and what they are. */
interface Sent {
  readonly type: string;
  readonly body: Blob | string;
}

/** A request to the lab under `api/`. Throws ApiError. */
async function request(method: string, path: string, sent?: Sent): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(`api/${path}`, {
      method,
      ...(sent && { headers: { 'content-type': sent.type }, body: sent.body }),
    });
  } catch {
    throw new ApiError(0, 'The lab does not answer. Is `sevlab serve` still running?');
  }
  if (reply.ok) return reply;
  const retryAfter = Number(reply.headers.get('retry-after') ?? Number.NaN);
  const said = (await reply.json().catch(() => ({}))) as Problem;
  const message = said.error === undefined ? `The lab answered ${reply.status}.` : problemText(said);
  throw new ApiError(reply.status, message, said.field, Number.isNaN(retryAfter) ? undefined : retryAfter);
}

export const getJson = async <T>(path: string): Promise<T> =>
  (await request('GET', path)).json() as Promise<T>;

export const getText = async (path: string): Promise<string> => (await request('GET', path)).text();

/** Sends JSON; an answer without content is undefined. */
export const post = <T>(path: string, body: unknown): Promise<T> =>
  send(path, { type: 'application/json', body: JSON.stringify(body) });

/** Sends a scenario as its text: errors name lines and columns of it. */
export const postText = <T>(path: string, body: string): Promise<T> =>
  send(path, { type: 'application/yaml', body });

/** Sends a file as it is. */
export const postFile = <T>(path: string, body: Blob): Promise<T> =>
  send(path, { type: 'application/octet-stream', body });

async function send<T>(path: string, sent: Sent): Promise<T> {
  const reply = await request('POST', path, sent);
  return (reply.status === 204 ? undefined : await reply.json()) as T;
}

export const remove = async (path: string): Promise<void> => {
  await request('DELETE', path);
};
