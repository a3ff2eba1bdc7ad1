import { connect } from 'node:net';
import { readTrace } from '@sevlab/story/read-trace';
import { describe, expect, it } from 'vitest';
import { HandTimers } from './test/hand-timers.ts';
import { type Json, type LabClient, type StreamEvent, startLab } from './test/lab-client.ts';

/** More than the sockets between two programs hold. */
const WRITES = 200;

const SECRETS = [{ guid: '736869e5-84f0-4973-92ec-06879ce3da0b', text: 'correct horse battery staple' }];

const isRunning = (events: readonly StreamEvent[]): boolean =>
  events.at(-1)?.data.includes('"state":"running"') === true;

/** The whole log of a session, as a stream that nothing disturbs has it. */
const whole = (lab: LabClient, session: string): Promise<StreamEvent[]> =>
  lab.events(`${session}/events`, isRunning);

describe('an event stream', () => {
  it('numbers its events without a gap, and its trace is the trace', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS }, 'running');
    const events = await whole(lab, session);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, i) => i + 1));
    const lines = events.filter(({ event }) => event === 'trace').map(({ data }) => `${data}\n`);
    const { body } = await lab.ask<string>(`${session}/trace`);
    expect(lines.join('')).toBe(body);
    expect(readTrace(body).header).toMatchObject({ command: 'serve', revealed: true });
    expect(new Set(events.map(({ event }) => event))).toEqual(new Set(['trace', 'state', 'terminal']));
  });

  it('tells the same from the past as it told when it happened', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS });
    const live = whole(lab, session);
    for (const to of ['launched', 'attested', 'injected', 'running'])
      await lab.ask(`${session}/advance`, { to });
    expect(await live).toEqual(await whole(lab, session));
  });

  it('loses nothing and repeats nothing, wherever it breaks', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS }, 'running');
    const straight = await whole(lab, session);
    const { length } = straight;
    for (const steps of [[1, 2, 3], [length - 1], [17, 80, 81, 200], [5, 5, 6]]) {
      const pieces: StreamEvent[] = [];
      for (const step of [...steps, length]) {
        const last = pieces.at(-1)?.id ?? 0;
        if (step > last)
          pieces.push(
            ...(await lab.events(`${session}/events`, (so) => so.at(-1)?.id === step, {
              'last-event-id': String(last),
            })),
          );
      }
      expect(pieces).toEqual(straight);
    }
    expect(await lab.events(`${session}/events?after=${length - 2}`, (so) => so.length === 2)).toEqual(
      straight.slice(-2),
    );
  });

  it('goes on with what happened while nobody was connected', async () => {
    const lab = await startLab();
    const session = await lab.session({ secrets: SECRETS }, 'launched');
    const before = await lab.events(
      `${session}/events`,
      (so) => so.at(-1)?.data.includes('"launched"') === true,
    );
    await lab.ask(`${session}/advance`, { to: 'running' });
    const after = await lab.events(`${session}/events?after=${before.length}`, isRunning);
    expect([...before, ...after]).toEqual(await whole(lab, session));
  });

  it('refuses ids that it never gave', async () => {
    const lab = await startLab();
    const session = await lab.session();
    for (const id of ['9999', '-1', 'x', '1e3', '', ' ', '99999999999999999999'])
      expect({
        id,
        ...(await lab.ask(`${session}/events`, undefined, { headers: { 'last-event-id': id } })),
      }).toMatchObject({ id, status: 400, body: { field: 'Last-Event-ID' } });
    expect((await lab.ask(`${session}/events?after=x`)).status).toBe(400);
  });

  it('has limits for how many watch one session', async () => {
    const lab = await startLab();
    const session = await lab.session();
    const streams = Array.from({ length: 16 }, () => lab.events(`${session}/events`));
    await expect
      .poll(async () => (await lab.ask(`${session}/events?after=1`, undefined, timed())).status)
      .toBe(429);
    await lab.ask(session, undefined, { method: 'DELETE' });
    for (const events of await Promise.all(streams)) expect(events.at(-1)?.data).toContain('deleted');
  });

  it('beats while nothing happens', async () => {
    const timers = new HandTimers();
    const lab = await startLab({ timers });
    const session = await lab.session();
    const socket = await rawStream(lab, session);
    await expect.poll(() => socket.text()).toContain('event: state');
    timers.pass(15_000);
    await expect.poll(() => socket.text()).toContain(': still here');
    socket.end();
  });

  it('does not wait for a client that reads nothing, and cuts it off; it can resume', async () => {
    const timers = new HandTimers();
    const lab = await startLab({ timers, idle: 3_600_000 });
    const waiting = () => Math.max(...lab.sockets.map(({ writableLength }) => writableLength));
    const session = await lab.session({ secrets: SECRETS });
    const slow = await rawStream(lab, session);
    await expect.poll(() => slow.text()).toContain('event: state');
    slow.pause();
    await lab.ask(`${session}/advance`, { to: 'running' });
    for (let i = 0; i < WRITES; i++) {
      const hex = i.toString(16).padStart(4, '0').repeat(30_000); // equal bytes would be one blob
      expect((await lab.ask(`${session}/host`, { write: { spa: '0x1000', hex } })).status).toBe(200);
    }
    expect((await lab.ask(session)).status).toBe(200);
    expect(waiting()).toBeLessThan(1_000_000); // it is the kernel that holds what is on its way
    const idle = timers.size;
    timers.pass(15_000 * 6);
    await expect.poll(() => timers.size).toBe(idle - 1); // its heartbeat is gone
    let writes = 0;
    const last = await lab.events(`${session}/events`, (so) => isWrite(so.at(-1)!) && ++writes === WRITES);
    expect(last.map(({ id }) => id)).toEqual(last.map((_, i) => i + 1));
    slow.end();
  });

  it('ends when the lab does', async () => {
    const lab = await startLab();
    const session = await lab.session({}, 'running');
    const stream = lab.events(`${session}/events`);
    await expect.poll(async () => (await lab.ask(session)).status).toBe(200);
    await lab.close();
    expect((await stream).at(-1)?.data).toBe('{"state":"ended","reason":"server"}');
  });
});

const isWrite = ({ event, data }: StreamEvent): boolean => {
  if (event !== 'trace') return false;
  const { actor, type, operation, length } = JSON.parse(data) as Json;
  return actor === 'host' && type === 'access' && operation === 'write' && length === 60_000;
};

const timed = (): RequestInit => ({ signal: AbortSignal.timeout(2000) });

/** A client that may stop to read. */
async function rawStream(lab: LabClient, session: string) {
  const { hostname, port } = new URL(lab.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  socket.on('error', () => socket.destroy());
  socket.write(`GET ${session}/events HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
  return { text: () => text, pause: () => socket.pause(), end: () => socket.destroy() };
}
