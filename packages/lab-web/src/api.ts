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

/** A request to the lab under `api/`. Throws ApiError. */
async function request(method: string, path: string, body?: unknown): Promise<Response> {
  const binary = body instanceof Blob;
  let reply: Response;
  try {
    reply = await fetch(`api/${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': binary ? 'application/octet-stream' : 'application/json' },
        body: binary ? body : JSON.stringify(body),
      }),
    });
  } catch {
    throw new ApiError(0, 'The lab does not answer. Is `sevlab serve` still running?');
  }
  if (reply.ok) return reply;
  const retryAfter = Number(reply.headers.get('retry-after') ?? Number.NaN);
  const said = (await reply.json().catch(() => ({}))) as { error?: string; field?: string };
  const message = said.error ?? `The lab answered ${reply.status}.`;
  throw new ApiError(reply.status, message, said.field, Number.isNaN(retryAfter) ? undefined : retryAfter);
}

export const getJson = async <T>(path: string): Promise<T> =>
  (await request('GET', path)).json() as Promise<T>;

export const getText = async (path: string): Promise<string> => (await request('GET', path)).text();

/** Sends JSON, or a Blob as it is. */
export const post = async <T>(path: string, body: unknown): Promise<T> =>
  (await request('POST', path, body)).json() as Promise<T>;

export const remove = async (path: string): Promise<void> => {
  await request('DELETE', path);
};
