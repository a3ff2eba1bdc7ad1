import { request } from 'node:http';
import type { Socket } from 'node:net';
import { buildLab, type LabOptions } from '@sevlab/lab/server/build-lab';
import { onTestFinished } from 'vitest';

/** One event of a stream, as it came. */
export interface StreamEvent {
  /** Absent for the one that ends the stream. */
  readonly id?: number;
  readonly event: string;
  readonly data: string;
}

/** What an answer says; a test knows which fields there are. */
export type Json = Readonly<Record<string, unknown>>;

export interface Answer<T = Json> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** Somebody who talks to a lab over the network. */
export class LabClient {
  readonly url: string;
  /** Ends the lab. */
  readonly close: () => Promise<unknown>;
  /** The lab's ends of its connections, when it runs in this process. */
  readonly sockets: readonly Socket[];

  constructor(url: string, close: () => Promise<unknown> = async () => {}, sockets: readonly Socket[] = []) {
    this.url = url;
    this.close = close;
    this.sockets = sockets;
  }

  async ask<T = Json>(path: string, body?: unknown, init: RequestInit = {}): Promise<Answer<T>> {
    const answer = await fetch(`${this.url}${path}`, {
      ...(body !== undefined && {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
      ...init,
    });
    const text = await answer.text();
    const json = /^application\/json(;|$)/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, headers: answer.headers, body: (json ? JSON.parse(text) : text) as T }; // the test knows
  }

  /** Starts a session, and leads it to a state. Returns its path. */
  async session(wanted: object = {}, to?: string): Promise<string> {
    const { status, body } = await this.ask('/api/sessions', wanted);
    if (status !== 201) throw new Error(`no session: ${JSON.stringify(body)}`);
    const path = `/api/sessions/${String(body.id)}`;
    if (to !== undefined) await this.ask(`${path}/advance`, { to });
    return path;
  }

  /** Reads a stream until `enough` says so, it ends, or it was silent for too long. */
  async events(
    path: string,
    enough: (events: readonly StreamEvent[]) => boolean = () => false,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<StreamEvent[]> {
    const events: StreamEvent[] = [];
    const hangUp = new AbortController();
    const answer = await fetch(`${this.url}${path}`, { headers, signal: hangUp.signal });
    if (answer.status !== 200 || answer.body === null)
      throw new Error(`no stream: ${answer.status} ${await answer.text()}`);
    let unread = '';
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (unread + text).split('\n\n');
      unread = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = eventOf(block);
        if (event !== undefined) events.push(event);
        if (event !== undefined && enough(events)) {
          hangUp.abort();
          return events;
        }
      }
    }
    return events;
  }
}

/** Undefined for a comment, and for what only sets the time to retry. */
function eventOf(block: string): StreamEvent | undefined {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
    }),
  );
  const [id, event, data] = ['id', 'event', 'data'].map((name) => fields.get(name));
  if (event === undefined || data === undefined) return undefined;
  return { ...(id !== undefined && { id: Number(id) }), event, data };
}

/** A lab that listens on loopback until the test is over. */
export async function startLab(options: LabOptions = {}): Promise<LabClient> {
  const app = await buildLab(options);
  const close = async () => app.close();
  onTestFinished(close);
  const sockets: Socket[] = [];
  app.server.on('connection', (socket) => sockets.push(socket));
  return new LabClient(await app.listen({ host: '127.0.0.1', port: 0 }), close, sockets);
}

/** A request with headers that fetch() does not let anybody set; answers its status and body. */
export const askAs = (
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.on('error', reject).end();
  });
