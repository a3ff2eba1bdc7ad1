import { gpa } from '@sevlab/codec/address';
import { parseGuid } from '@sevlab/codec/guid';
import { createPipeline, type Pipeline } from '@sevlab/lab/pipeline';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { traceText } from '@sevlab/lab/trace-file';
import { describe, expect, it } from 'vitest';

const GUID = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');
const FILE = `/sys/kernel/security/secrets/coco/${GUID}`;
const secrets = [{ guid: GUID, data: new TextEncoder().encode('correct horse battery staple') }];

/** The honest steps, and a shell session at the end. */
const STEPS: readonly ((pipeline: Pipeline) => unknown)[] = [
  (pipeline) => pipeline.offer(),
  (pipeline) => pipeline.launch(),
  (pipeline) => pipeline.measure(),
  (pipeline) => pipeline.verify(),
  (pipeline) => pipeline.seal(secrets),
  (pipeline) => pipeline.inject(),
  (pipeline) => pipeline.finish(),
  (pipeline) => pipeline.boot(),
  (pipeline) => pipeline.progress.kernel!.run(`cat ${FILE}`),
  (pipeline) => pipeline.progress.kernel!.run(`rm ${FILE}`),
  (pipeline) => pipeline.progress.kernel!.run('ls -la /sys/kernel/security/secrets/coco'),
];

const disk = new Uint8Array(1024).fill(7);
const fresh = (): Pipeline => {
  const { setup } = setupOf({ version: 1, title: 'fork', steps: [] }, '', { record: true, seed: 'fork' });
  return createPipeline({ ...setup, disk: disk.slice() });
};

const runSteps = (pipeline: Pipeline, from: number, to = STEPS.length) => {
  for (const step of STEPS.slice(from, to)) step(pipeline);
  return pipeline;
};

const traceOf = (pipeline: Pipeline) =>
  traceText(pipeline, { command: 'test', scenario: 'fork', reveal: true });

/** DRAM as the host sees it, and the disk. */
const cellsOf = ({ actors: { machine }, progress }: Pipeline) => ({
  pages: [...machine.host.memory.touchedPages()].map(({ spa, cells }) => [
    spa,
    Buffer.from(cells).toString('base64'),
  ]),
  disk:
    progress.launching && Buffer.from(machine.host.disk(progress.launching.record.guest)!).toString('hex'),
});

describe('a fork', () => {
  const straight = traceOf(runSteps(fresh(), 0));

  it.each(STEPS.map((_, i) => i))(
    'after %i steps gives, with its parent, the traces of two fresh runs',
    (at) => {
      const parent = runSteps(fresh(), 0, at);
      const child = parent.fork();
      runSteps(child, at);
      runSteps(parent, at);
      expect(traceOf(child)).toBe(straight);
      expect(traceOf(parent)).toBe(straight);
    },
  );

  it.each(STEPS.map((_, i) => i))('after %i steps and its parent never see what the other writes', (at) => {
    const parent = runSteps(fresh(), 0, at);
    const before = cellsOf(parent);
    const child = parent.fork();
    expect(cellsOf(child)).toEqual(before);
    runSteps(child, at);
    expect(cellsOf(parent)).toEqual(before);
    const childAfter = cellsOf(child);
    runSteps(parent, at);
    expect(cellsOf(child)).toEqual(childAfter);
  });

  it('takes entropy, clock and trace position along', () => {
    const parent = runSteps(fresh(), 0, 4);
    const child = parent.fork();
    expect(child.observer.clock).toEqual(parent.observer.clock);
    expect(child.observer.state.seq).toBe(parent.observer.state.seq);
    expect(child.seal(secrets)).toEqual(parent.seal(secrets)); // the IV is drawn here
  });

  it('of a running guest reads its own memory', () => {
    const parent = runSteps(fresh(), 0, 8);
    const child = parent.fork();
    child.progress.kernel!.run(`rm ${FILE}`);
    expect(parent.progress.kernel!.run(`cat ${FILE}`).output).toBe('correct horse battery staple');
    expect(child.progress.kernel!.run(`cat ${FILE}`).status).toBe(1);
    const page = (pipeline: Pipeline) =>
      pipeline.progress.running!.resume(({ memory }) => memory.readPrivate(gpa(0x81_0000n), 128));
    expect(page(parent)).not.toEqual(page(child));
  });
});
