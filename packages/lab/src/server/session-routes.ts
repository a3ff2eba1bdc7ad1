import { randomUUID } from 'node:crypto';
import { gpa, hexAddress } from '@sevlab/codec/address';
import { toHex } from '@sevlab/codec/bytes';
import type { FastifyInstance } from 'fastify';
import { type Eyes, memoryAs } from '../memory-eyes.ts';
import { sendEvents } from './event-stream.ts';
import type { FirmwareStore } from './firmware-store.ts';
import { actAsHost, type HostAct } from './host-console.ts';
import { badField, HttpProblem } from './http-problem.ts';
import { LaunchedBases } from './launched-bases.ts';
import {
  advanceBody,
  eventsQuery,
  hostBody,
  memoryQuery,
  sessionBody,
  sessionParams,
  terminalBody,
} from './request-schemas.ts';
import { Session, type SessionState } from './session.ts';
import * as operations from './session-operations.ts';
import { type SessionRequest, sessionSetup } from './session-request.ts';
import type { Sessions } from './sessions.ts';
import type { Timers } from './timers.ts';

interface Named {
  readonly Params: { readonly id: string };
}

const params = sessionParams;

/** Of a session's bodies, but for the one that starts it, which has secrets. Bytes. */
const BODY_MAX = 192 * 1024;

export function addSessionRoutes(
  app: FastifyInstance,
  { sessions, firmware, timers }: { sessions: Sessions; firmware: FirmwareStore; timers: Timers },
): void {
  const bases = new LaunchedBases();
  const describe = (session: Session) => ({ ...session.describe(), idle: sessions.limits.idle / 1000 });

  app.post<{ Body: SessionRequest }>(
    '/api/sessions',
    { schema: { body: sessionBody }, config: { operation: operations.create } },
    ({ body }, reply) => {
      const session = sessions.start(() => {
        const { setup, secrets } = sessionSetup(body, firmware);
        return new Session(randomUUID(), setup, secrets, bases);
      });
      return reply.status(201).header('location', `/api/sessions/${session.id}`).send(describe(session));
    },
  );

  app.get<Named>(
    '/api/sessions/:id',
    { schema: { params }, config: { operation: operations.describe } },
    ({ params: { id } }) => describe(sessions.get(id)),
  );

  app.delete<Named>(
    '/api/sessions/:id',
    { schema: { params }, config: { operation: operations.end } },
    ({ params: { id } }, reply) => {
      sessions.get(id);
      sessions.end(id, 'deleted');
      return reply.status(204).send();
    },
  );

  app.post<Named & { Body: { readonly to: SessionState } }>(
    '/api/sessions/:id/advance',
    { schema: { params, body: advanceBody }, bodyLimit: BODY_MAX, config: { operation: operations.advance } },
    ({ params: { id }, body }) => {
      const session = sessions.get(id);
      session.advance(body.to);
      return describe(session);
    },
  );

  app.post<Named & { Body: HostAct }>(
    '/api/sessions/:id/host',
    { schema: { params, body: hostBody }, bodyLimit: BODY_MAX, config: { operation: operations.host } },
    ({ params: { id }, body }) => actAsHost(sessions.get(id), body),
  );

  app.get<Named & { Querystring: { readonly gpa: string; readonly length: number; readonly eyes: Eyes } }>(
    '/api/sessions/:id/memory',
    { schema: { params, querystring: memoryQuery }, config: { operation: operations.memory } },
    ({ params: { id }, query: { gpa: address, length, eyes } }) => {
      const { pipeline } = sessions.get(id);
      const seen = pipeline && memoryAs(pipeline, eyes, gpa(BigInt(address)), length);
      if (seen === undefined)
        throw new HttpProblem(409, { error: 'there is no guest yet', try: 'advance {"to":"launched"}' });
      return {
        ...{ gpa: address, length, eyes, seenBy: SEEN_BY[eyes] },
        hex: toHex(seen.bytes),
        parts: seen.parts.map((part) => ({
          gpa: hexAddress(part.gpa),
          spa: part.spa === undefined ? null : hexAddress(part.spa),
          length: part.length,
          private: part.private,
        })),
      };
    },
  );

  app.post<Named & { Body: { readonly input?: string; readonly columns?: number } }>(
    '/api/sessions/:id/terminal',
    {
      schema: { params, body: terminalBody },
      bodyLimit: BODY_MAX,
      config: { operation: operations.terminal },
    },
    ({ params: { id }, body }, reply) => {
      sessions.get(id).type(body);
      return reply.status(204).send();
    },
  );

  app.get<Named>(
    '/api/sessions/:id/trace',
    { schema: { params }, config: { operation: operations.trace } },
    ({ params: { id } }, reply) => reply.type('application/jsonl').send(sessions.get(id).log.traceText()),
  );

  app.get<Named & { Querystring: { readonly after?: number } }>(
    '/api/sessions/:id/events',
    { schema: { params, querystring: eventsQuery }, config: { operation: operations.events } },
    ({ params: { id }, query: { after = 0 }, headers }, reply) => {
      const { log } = sessions.get(id);
      const last = headers['last-event-id'];
      const onEnd = sessions.onEnd.bind(sessions, id);
      sendEvents(reply, { log, onEnd, timers }, last === undefined ? after : idOf(String(last)));
      return reply;
    },
  );
}

/** Who else sees the same. */
const SEEN_BY: Readonly<Record<Eyes, string>> = {
  host: 'the host and whoever has its DRAM: cells as they are, ciphertext where the guest means them privately',
  guest: 'software in the guest, and the AMD-SP: private pages go through the key of the guest’s ASID',
  dma: 'a device that the host lets at this memory: cells as they are, for a device has no guest’s key',
};

function idOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw badField('Last-Event-ID', 'that is no id', {
    expected: 'the number of an event that was seen',
    got: text,
  });
}
