import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import recorded from '../packages/vmm-sim/test/vectors/qemu-refusals.json' with { type: 'json' };
import { SEVLAB, typeIn } from './test/command-line.ts';
import { optionalProgram } from './test/optional-program.ts';
import { QEMU } from './test/real-qemu.ts';

const there = optionalProgram(QEMU, 'apt-get install --no-install-recommends qemu-system-x86');
const REFUSALS = recorded as [string[], number, string][];
const MONITOR = ['-qmp', 'unix:qmp,server=on,wait=off'];

const folder = mkdtempSync(join(tmpdir(), 'sevlab-refusals-'));
beforeAll(() => {
  typeIn(folder, '--version'); // a fresh checkout installs and bundles first, and says so
  const header = new Uint8Array(8192);
  header.set([0x55, 0xaa], 0x1fe);
  header.set([...Buffer.from('HdrS'), 0x0c, 0x02], 0x202); // a kernel, as far as QEMU looks before the initrd
  header[0x1f1] = 1;
  writeFileSync(join(folder, 'kernel'), header);
  for (const [name, size] of Object.entries({
    'halt.fd': 131_072,
    'odd.fd': 1000,
    'empty.fd': 0,
    'big.fd': 9 << 20,
  }))
    writeFileSync(join(folder, name), new Uint8Array(size));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface End {
  readonly status: number | null;
  readonly stderr: string;
}

function run(program: string, arguments_: readonly string[]): Promise<End> {
  const child = spawn(program, arguments_, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 10_000,
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, stderr })));
}

/** A few at once. */
async function inTurns<T>(all: readonly T[], act: (each: T) => Promise<void>): Promise<void> {
  const rest = [...all];
  const worker = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await act(next);
  };
  await Promise.all([worker(), worker()]);
}

describe('command lines that QEMU refuses', () => {
  it.skipIf(!there)('are refused so by the one that is installed here', async () => {
    await inTurns(REFUSALS, async ([arguments_, status, stderr]) => {
      expect(await run(QEMU, arguments_), arguments_.join(' ')).toEqual({ status, stderr });
    });
    process.stderr.write(`${REFUSALS.length} refused command lines, as recorded\n`);
  });

  it('are refused so by sevlab vmm, with the same exit code', async () => {
    const some = REFUSALS.filter((_, i) => i % 4 === 0);
    await inTurns(some, async ([arguments_, status, stderr]) => {
      const answer = await run(SEVLAB, ['vmm', '--store', 'platform', '--', ...arguments_, ...MONITOR]);
      if (arguments_.at(-1) === '-m')
        expect(answer.status).toBe(status); // takes the next word for its argument
      else expect(answer, arguments_.join(' ')).toEqual({ status, stderr });
    });
  });
});
