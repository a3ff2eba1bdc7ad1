import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { answerAll } from './test/view-operations.ts';

const script = fileURLToPath(new URL('test/answer-as-nobody.ts', import.meta.url));

it('the rights of the process that simulates a guest make no difference inside', async () => {
  const { outputFiles } = await build({
    entryPoints: [script],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-'], {
    input: outputFiles[0]!.contents,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const { uid, answers } = JSON.parse(stdout) as { uid: number; answers: string[] };
  expect(uid).toBeGreaterThan(0);
  expect(answers).toEqual(answerAll());
  expect(answers).toEqual(
    expect.arrayContaining(['root: list what root alone may enter: []', 'user: read: EACCES']),
  );
});
