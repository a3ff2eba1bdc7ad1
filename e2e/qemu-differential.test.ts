import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { QemuPair } from './test/qemu-pair.ts';
import { message } from './test/random-messages.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-pair-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const firmware = Uint8Array.from({ length: 0x2_0000 }, (_, i) => (i * 37 + (i >> 8)) & 0xff);
firmware.set([0xfa, 0xf4, 0xeb, 0xfd], firmware.length - 16); // cli; hlt; and again
writeFileSync(join(folder, 'halt.fd'), firmware);

const alike = (text: string | undefined): string | undefined =>
  text?.replace(/"seconds": \d+, "microseconds": \d+/g, '"seconds": N, "microseconds": N').replace(/"thread-id": \d{3,}/g, '"thread-id": N').replace(/thread_id=\d{3,}/g, 'thread_id=N')
  .replace(/is 0x[0-9a-f]{10,}\\r/g, 'is HVA\\r');

test('x', async () => {
  const start = () =>
    QemuPair.start(folder, [
      ...['-machine', 'q35', '-accel', 'tcg', '-m', '64', '-nodefaults', '-display', 'none', '-S'],
      ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${join(folder, 'halt.fd')}`],
    ]);
  let pair = await start();
  const begin = Date.now();
  let count = 0;
  const seen = new Map<string, number>();
  let seed = Number(process.env.SEED ?? 1);
  while (Date.now() - begin < Number(process.env.MS ?? 8000)) {
    const messages = fc.sample(message, { seed: seed++, numRuns: 300 });
    const { real, ours } = await pair.ask(messages);
    count += 300;
    let bad = pair.ended;
    for (const [i, m] of messages.entries()) {
      const [a, b] = [alike(real[i]), alike(ours[i])];
      if (a === b) continue;
      bad = true;
      const key = `${a?.slice(0, 60)} ${b?.slice(0, 60)}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
      if (seen.get(key)! <= 1 && seen.size < 40)
        console.log(`SEND ${JSON.stringify(m)}\nREAL ${a?.slice(0, 600)}OURS ${b?.slice(0, 600)}`);
    }
    if (bad) {
      await pair.stop();
      pair = await start();
    }
  }
  await pair.stop();
  console.log(count, 'messages', (count / (Date.now() - begin)) * 1000, 'per s; kinds', seen.size);
  expect(1).toBe(1);
});
