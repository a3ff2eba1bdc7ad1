import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../tools/session-memory.mjs', import.meta.url));

it('holds 100 running sessions in less than 200 MB', { timeout: 120_000 }, () => {
  if (!existsSync('/proc/self/status')) {
    console.warn('NOT TESTED: the memory of 100 sessions; it needs /proc, as Linux has it');
    return;
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT], {
    encoding: 'utf8',
    timeout: 100_000,
  });
  expect({ status, stdout, stderr }).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^100 running sessions need \d+ MB /),
  });
  console.log(stdout.trim());
});
