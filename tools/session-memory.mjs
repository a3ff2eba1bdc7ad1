// Starts the lab, leads 100 sessions to a running guest, and prints how much memory the server holds for them; fails above
// 200 MB. Linux only: it reads /proc.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const SESSIONS = 100;
const MOST = 200e6; // bytes

const server = spawn(fileURLToPath(new URL('../sevlab', import.meta.url)), ['serve', '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const url = await new Promise((resolve, reject) => {
  let said = '';
  server.stdout.on('data', (part) => {
    said += part;
    const [found] = /http:\S+/.exec(said) ?? [];
    if (found !== undefined) resolve(found);
  });
  server.on('exit', () => reject(new Error(`sevlab serve ended: ${said}`)));
});

/** Bytes. */
const resident = () =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024;
const send = (path, body) =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const before = resident();
for (let i = 0; i < SESSIONS; i++) {
  const guid = `736869e5-84f0-4973-92ec-${i.toString(16).padStart(12, '0')}`;
  const started = await send('/api/sessions', { secrets: [{ guid, text: `secret ${i}` }] });
  const { id } = await started.json();
  const led = await send(`/api/sessions/${id}/advance`, { to: 'running' });
  const { state } = await led.json();
  if (state !== 'running') throw new Error(`session ${i} is ${state}`);
}
await pause(2000); // idle
const after = resident();
server.kill('SIGINT');

const megabytes = (bytes) => (bytes / 1e6).toFixed(0);
console.log(
  `${SESSIONS} running sessions need ${megabytes(after - before)} MB (at most ${megabytes(MOST)}), ` +
    `${((after - before) / 1000 / SESSIONS).toFixed(0)} kB each; the server with them has ${megabytes(after)} MB resident`,
);
process.exitCode = after - before <= MOST ? 0 : 1;
