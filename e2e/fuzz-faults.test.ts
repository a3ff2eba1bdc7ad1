import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Campaign, runCampaign } from '@sevlab/lab/fuzz/campaign';
import type { ChunkResult } from '@sevlab/lab/fuzz/chunk';
import { failureFiles } from '@sevlab/lab/fuzz/failure-files';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { PLANTED } from './test/planted-doors.ts';

const program = join(mkdtempSync(join(tmpdir(), 'sevlab-planted-')), 'planted.cjs');

beforeAll(async () => {
  const entryPoints = [join(import.meta.dirname, 'test/planted-doors.ts')];
  await build({ entryPoints, bundle: true, platform: 'node', format: 'cjs', outfile: program });
});

/** A campaign of one door. */
async function run(
  name: string,
  runs: number,
  { workers = 1, limit = 400, done = [] as readonly ChunkResult[] } = {},
): Promise<Campaign & { readonly chunks: readonly ChunkResult[] }> {
  const chunks: ChunkResult[] = [];
  const campaign = await runCampaign({
    header: { version: '0', seed: 'planted', doors: { [name]: runs } },
    doors: PLANTED.filter((door) => door.name === name),
    ...{ program, workers, limit, done },
    reproduce: (door, index) => `${door} ${index}`,
    onChunk: (chunk) => chunks.push(chunk),
    onProgress: () => {},
  });
  return { ...campaign, chunks };
}

/** How often a signature was counted in chunks. */
const counted = (chunks: readonly ChunkResult[], signature: string): number =>
  chunks.reduce((sum, { outcomes }) => sum + (outcomes[signature] ?? 0), 0);

describe('a fault behind a condition', () => {
  it('that crashes is found, is one however often it comes, and is made as small as it can be', async () => {
    const { reports, chunks } = await run('crashing', 300);
    expect(reports).toHaveLength(1);
    const [report] = reports;
    expect(report).toMatchObject({
      kind: 'crash',
      signature: 'crash: TypeError in takeSize',
      door: 'crashing',
    });
    expect(report?.message).toBe('TypeError: planted, 701');
    expect(JSON.parse(report?.input ?? '')).toEqual({ size: 701, text: '' });
    expect(report?.count).toBe(counted(chunks, 'crash: TypeError in takeSize'));
    expect(report?.count).toBeGreaterThan(20);
    expect(report?.reproduce).toBe(`crashing ${report?.index}`);
    const [file] = failureFiles(report!);
    expect(file?.name).toMatch(/^crashing-[0-9a-f]{8}\.json$/);
    expect(JSON.parse(file?.content ?? '')).toMatchObject({
      input: { size: 701 },
      reproduce: report?.reproduce,
    });
  });

  it('is told from another one of the same door', async () => {
    const { reports } = await run('two-faults', 500);
    expect(reports.map(({ signature }) => signature).sort()).toEqual([
      'broken: the size is small',
      'crash: RangeError in firstOf',
    ]);
    const inputs = Object.fromEntries(reports.map(({ kind, input }) => [kind, JSON.parse(input)]));
    expect(inputs.broken.size).toBe(900);
    expect(inputs.crash.text).toHaveLength(9);
  });

  it('that hangs is stopped, and the campaign goes on', async () => {
    const { reports, chunks, cases } = await run('hanging', 60);
    expect(reports).toMatchObject([{ kind: 'hang', signature: 'hang', door: 'hanging' }]);
    expect(JSON.parse(reports[0]?.input ?? '')).toContain(42);
    expect(cases).toBe(60);
    expect(chunks.map(({ to }) => to)).toEqual([20, 40, 60]);
    expect(counted(chunks, 'hang')).toBe(reports[0]?.count);
  }, 120_000);

  it('that ends its thread is found, and the campaign goes on', async () => {
    const { reports, chunks } = await run('dying', 300);
    expect(reports).toMatchObject([{ kind: 'death', door: 'dying', input: '77' }]);
    expect(counted(chunks, 'fine') + (reports[0]?.count ?? 0)).toBe(300);
  });
});

describe('memory', () => {
  it('that grows after the warm-up is told of', async () => {
    const { measurements, reports } = await run('leaking', 3000);
    expect(reports).toEqual([]);
    expect(measurements[0]?.growth).toBeGreaterThan(10 * 1024 * 1024);
  });

  it('that a cache takes in the beginning is not', async () => {
    const { measurements } = await run('caching', 3000);
    expect(measurements[0]?.growth).toBe(0);
  });
});

describe('the same campaign', () => {
  it('comes to the same with one worker or three, and when it is gone on with', async () => {
    const one = await run('two-faults', 500);
    const three = await run('two-faults', 500, { workers: 3 });
    expect(three.chunks).toEqual(one.chunks);
    expect(three.reports).toEqual(one.reports);
    const rest = await run('two-faults', 500, { done: one.chunks.slice(0, 4) });
    expect([...one.chunks.slice(0, 4), ...rest.chunks]).toEqual(one.chunks);
    expect(rest.reports).toEqual(one.reports);
  });

  it('is not gone on with from the results of another', async () => {
    const { chunks } = await run('two-faults', 500);
    await expect(run('two-faults', 500, { done: chunks.slice(1) })).rejects.toThrow(/expected the beginning/);
  });
});
