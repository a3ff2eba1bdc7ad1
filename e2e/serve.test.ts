import { spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SEVLAB, typeIn } from './test/command-line.ts';
import { askAs, LabClient } from './test/lab-client.ts';

/** A server as somebody starts it, and what it says. */
async function serve(...options: string[]) {
  const server = spawn(SEVLAB, ['serve', '--port', '0', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    server.kill('SIGKILL');
  });
  let said = '';
  const hear = (part: Buffer): void => {
    said += part.toString();
  };
  server.stdout.on('data', hear);
  server.stderr.on('data', hear);
  const ended = new Promise<number | null>((resolve) => server.once('exit', (code) => resolve(code)));
  await expect.poll(() => said, { timeout: 20_000 }).toMatch(/http:\/\/\S+\n/);
  const [url = ''] = /http:\S+/.exec(said) ?? [];
  return { url, ended, said: () => said, interrupt: (signal: NodeJS.Signals) => server.kill(signal) };
}

describe('sevlab serve', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends at %s with its streams, and has told nothing of what was sent', async (signal, code) => {
    const { url, ended, said, interrupt } = await serve();
    const lab = new LabClient(url);
    const secret = 'hunter2-and-more';
    const guid = '736869e5-84f0-4973-92ec-06879ce3da0b';
    const session = await lab.session({ secrets: [{ guid, text: secret }] }, 'running');
    await lab.ask(`${session}/terminal`, { input: `cat /sys/kernel/security/secrets/coco/${guid}\r` });
    await lab.ask('/api/sessions', { secrets: [{ guid, txt: secret }] });
    await lab.ask('/api/runs', undefined, { method: 'POST', body: `title: ${secret}` });
    const stream = lab.events(`${session}/events`);
    await expect.poll(async () => (await lab.ask(session)).status).toBe(200);
    interrupt(signal);
    expect(await ended).toBe(code);
    expect((await stream).at(-1)?.data).toContain('server');
    expect(said()).toMatch(/^sevlab, simulated: http:\/\/127\.0\.0\.1:\d+\n$/);
  });

  it('answers under the names that it was started for', async () => {
    const { url } = await serve('--allow-host', 'class.example', '--allow-host', 'lab.example');
    for (const [host, status] of [
      ['class.example', 200],
      ['lab.example:8040', 200],
      ['other.example', 403],
    ] as const)
      expect({ host, ...(await askAs(`${url}/`, { host })) }).toMatchObject({ host, status });
  });

  it('says what keeps it from listening', async () => {
    const { url } = await serve();
    const { port } = new URL(url);
    expect(typeIn('.', 'serve', '--port', port)).toMatchObject({
      status: 5,
      stderr: expect.stringMatching(
        /^sevlab serve: cannot listen on 127\.0\.0\.1 port \d+: .*; try --port 0\n$/,
      ),
    });
  });
});
