import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HandTimers } from './test/hand-timers.ts';
import { type Answer, type Json, type LabClient, type StreamEvent, startLab } from './test/lab-client.ts';

const CLIENTS = 200;
const MINUTE = 60_000;

const guidOf = (client: number): string => `736869e5-84f0-4973-92ec-${client.toString(16).padStart(12, '0')}`;
/** No part of one is part of another. */
const secretOf = (client: number): string => createHash('sha256').update(`client ${client}`).digest('hex');

/** Starts a session, runs it, types, looks around, and reads all that the session tells. Answers every reply. */
async function visit(lab: LabClient, client: number, session: string): Promise<string[]> {
  const replies = [await lab.ask(`${session}/advance`, { to: 'running' })];
  const input = `cat /sys/kernel/security/secrets/coco/*; echo; echo done ${client}\r`;
  replies.push(await lab.ask(`${session}/terminal`, { input }));
  replies.push(await lab.ask(`${session}/memory?gpa=0x810000&length=3072&eyes=guest`));
  replies.push(await lab.ask(`${session}/host`, { read: { gpa: '0x810000', length: 3072 } }));
  replies.push(await lab.ask(session));
  const events = await lab.events(`${session}/events`, (so) =>
    screenShows(so.at(-1), `\ndone ${client}\r\n`),
  );
  return [...replies.map(({ body }) => JSON.stringify(body)), ...events.map(({ data }) => data)];
}

const screenShows = (event: StreamEvent | undefined, text: string): boolean =>
  event?.event === 'terminal' && String((JSON.parse(event.data) as Json).output).includes(text);

/** The forms that a secret may take in a reply. */
const spellings = (secret: string): string[] => {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return text.slice(shift === 0 ? 0 : 4, -4); // what stands around it changes the ends
  });
  return [secret, bytes.toString('hex'), ...base64];
};

describe('clients at once', () => {
  it('100 of 200 are served and isolated, 100 are refused cleanly, and served when they come again', {
    timeout: 300_000,
  }, async () => {
    const lab = await startLab();
    const start = (client: number): Promise<Answer> =>
      lab.ask('/api/sessions', { secrets: [{ guid: guidOf(client), text: secretOf(client) }] });
    let waiting = Array.from({ length: CLIENTS }, (_, client) => client);
    const told = new Map<number, string[]>();
    const rounds: number[] = [];
    while (waiting.length > 0) {
      const answers = await Promise.all(
        waiting.map(async (client) => ({ client, answer: await start(client) })),
      );
      const served = answers.filter(({ answer }) => answer.status === 201);
      const refused = answers.filter(({ answer }) => answer.status !== 201);
      rounds.push(served.length);
      for (const { answer } of refused) {
        expect(answer).toMatchObject({ status: 503, body: { error: 'all 100 sessions are in use' } });
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      await Promise.all(
        served.map(async ({ client, answer }) => {
          const session = `/api/sessions/${String(answer.body.id)}`;
          told.set(client, await visit(lab, client, session));
        }),
      );
      await Promise.all(
        served.map(({ answer }) =>
          lab.ask(`/api/sessions/${String(answer.body.id)}`, undefined, { method: 'DELETE' }),
        ),
      );
      waiting = refused.map(({ client }) => client);
    }
    expect(rounds).toEqual([100, 100]);
    for (const [client, replies] of told) {
      const all = replies.join('\n');
      expect(all).toContain(secretOf(client));
      expect(all).toContain(Buffer.from(secretOf(client)).toString('hex'));
      for (const other of told.keys()) {
        if (other === client) continue;
        expect(all.includes(guidOf(other))).toBe(false);
        const leaked = spellings(secretOf(other)).find((spelling) => all.includes(spelling));
        if (leaked !== undefined) expect.fail(`client ${client} was told ${leaked}, of client ${other}`);
      }
    }
  });
});

describe('idle sessions', () => {
  it('end after the time that is given them, and not before', async () => {
    const timers = new HandTimers();
    const lab = await startLab({ timers });
    const [idle, used] = [await lab.session({}, 'running'), await lab.session()];
    const stream = lab.events(`${idle}/events`);
    await expect.poll(() => timers.size).toBe(2); // it beats
    timers.pass(10 * MINUTE);
    expect((await lab.ask(used)).status).toBe(200);
    timers.pass(5 * MINUTE - 1);
    expect((await lab.ask(used)).status).toBe(200);
    timers.pass(1000);
    expect((await stream).at(-1)).toEqual({ event: 'state', data: '{"state":"ended","reason":"idle"}' });
    expect((await lab.ask(idle)).status).toBe(404);
    expect((await lab.ask(used)).status).toBe(200);
  });

  it('make room for others, and until then others are told when to come again', async () => {
    const timers = new HandTimers();
    const lab = await startLab({ timers, maxSessions: 2, idle: 7000 });
    const first = await lab.session();
    timers.pass(3000);
    await lab.session();
    const refused = await lab.ask('/api/sessions', {});
    expect(refused).toMatchObject({ status: 503, body: { error: 'all 2 sessions are in use' } });
    expect(refused.headers.get('retry-after')).toBe('4');
    timers.pass(4000);
    expect((await lab.ask('/api/sessions', {})).status).toBe(201);
    expect((await lab.ask(first)).status).toBe(404);
  });

  it('are not kept by their streams, but by whoever asks for them', async () => {
    const timers = new HandTimers();
    const lab = await startLab({ timers, idle: 10_000 });
    const session = await lab.session();
    const stream = lab.events(`${session}/events`);
    await expect.poll(() => timers.size).toBe(2);
    for (let i = 0; i < 5; i++) {
      timers.pass(9000);
      expect((await lab.ask(session)).status).toBe(200);
    }
    timers.pass(11_000);
    expect((await stream).at(-1)?.data).toContain('idle');
  });
});
