import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { HttpProblem } from './http-problem.ts';
import type { LogEntry, SessionLog } from './session-log.ts';
import type { EndReason } from './sessions.ts';
import type { Timers } from './timers.ts';

/** A client notices within this time that nothing comes any more. Milliseconds. */
const HEARTBEAT = 15_000;
/** Heartbeats that a client may leave unread before the stream is cut; it can resume. */
const UNREAD_MAX = 4;
/** After which a client tries again when the stream breaks. Milliseconds. */
const RETRY = 1000;
/** Streams of one session at a time. */
const STREAMS_MAX = 16;

/** What a stream hangs on. */
export interface StreamSource {
  readonly log: SessionLog;
  /** Calls back when the session ends; returns how to forget that. */
  readonly onEnd: (callback: (reason: EndReason) => void) => () => void;
  readonly timers: Timers;
}

/**
 * Sends a session's log as server-sent events, from the entry behind `after` on, and what comes later. An entry is written
 * only when the client has taken those before it, so a slow one costs no memory. Throws HttpProblem for an id of the future.
 */
export function sendEvents(reply: FastifyReply, { log, onEnd, timers }: StreamSource, after: number): void {
  if (log.readers >= STREAMS_MAX)
    throw new HttpProblem(429, {
      error: 'the session has too many event streams',
      expected: `at most ${STREAMS_MAX} at a time`,
      try: 'closing one of them',
    });
  const entries = log.entries();
  skip(entries, after);
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...headersOf(reply),
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no',
  });
  raw.write(`retry: ${RETRY}\n\n`);

  let full = false;
  let unread = 0;
  const send = (): void => {
    while (!full && !raw.writableEnded) {
      const { value: entry } = entries.next();
      if (entry === undefined) return;
      full = !raw.write(eventText(entry));
    }
  };
  const stop = (): void => {
    for (const end of waits) end();
  };
  const waits = [
    log.onWake(send),
    timers.every(HEARTBEAT, () => {
      if (!full) full = !raw.write(': still here\n\n');
      else if (++unread > UNREAD_MAX) raw.destroy();
    }),
    onEnd((reason) => {
      send();
      stop();
      raw.end(`event: state\ndata: ${JSON.stringify({ state: 'ended', reason })}\n\n`);
    }),
  ];
  raw.on('drain', () => {
    full = false;
    unread = 0;
    send();
  });
  raw.on('close', stop);
  send();
}

/** Server-sent events have a line each for id, kind and data; no data of ours has a line end. */
const eventText = ({ id, kind, data }: LogEntry): string => `id: ${id}\nevent: ${kind}\ndata: ${data}\n\n`;

function skip(entries: ReturnType<SessionLog['entries']>, after: number): void {
  for (let seen = 0; seen < after; seen++) {
    if (entries.next().value === undefined)
      throw new HttpProblem(400, {
        error: `there is no event ${after} yet`,
        field: 'Last-Event-ID',
        expected: `an id up to ${seen}`,
        got: String(after),
      });
  }
}

/** What hooks have set for the answer. */
const headersOf = (reply: FastifyReply): Parameters<ServerResponse['writeHead']>[1] & object => {
  const { 'content-length': _, ...headers } = reply.getHeaders();
  return headers as Record<string, string>; // none of ours is a list
};
