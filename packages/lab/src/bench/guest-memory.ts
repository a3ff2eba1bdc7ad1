import { spa } from '@sevlab/codec/address';
import { createPipeline, type Pipeline } from '../pipeline.ts';
import type { Effort } from './compare.ts';
import { type Figure, judged } from './figure.ts';
import { benchSecrets, benchSetup, verifiedPipeline } from './guest-under-test.ts';
import { memoryInUse } from './memory-in-use.ts';
import { spreadOf } from './spread.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const TOUCHED = 64 * MIB;

/** What guests cost in memory: objects and buffers that are alive after the garbage was collected. */
export function guestMemoryFigures({ runs, atLeast }: Effort): Figure[] {
  const guests = atLeast < 1 ? 4 : 100;
  const base = verifiedPipeline(benchSetup(2 * MIB)).fork();
  const packet = base.seal(benchSecrets(4));
  const idle = spreadOf(Array.from({ length: runs }, () => idleGuest(base, packet, guests) / KIB));
  const contiguous = spreadOf(Array.from({ length: runs }, () => touchedMemory(MIB) / TOUCHED));
  const scattered = spreadOf(Array.from({ length: runs }, () => touchedMemory(4 * KIB) / TOUCHED));
  return [
    judged({
      name: 'idle-guest',
      what: `a guest that has booted and idles, forked from a snapshot, beyond the pages that it touched; of ${guests}`,
      reference: 'its touched pages',
      unit: 'KiB',
      value: idle,
      target: { atMost: 64 },
      costRatio: idle,
    }),
    judged({
      name: 'touched-memory',
      what: `${TOUCHED / MIB} MiB of guest memory, written in pieces of 1 MiB`,
      reference: 'as many bytes',
      unit: 'MiB per MiB',
      value: contiguous,
      target: { atMost: 1.1 },
      costRatio: contiguous,
    }),
    judged({
      name: 'touched-pages',
      what: `${TOUCHED / MIB} MiB of guest memory, written as single pages, each beside an untouched one`,
      reference: 'as many bytes',
      unit: 'MiB per MiB',
      value: scattered,
      target: { atMost: 1.1 },
      costRatio: scattered,
    }),
  ];
}

/** Bytes of one guest without its touched pages. */
function idleGuest(base: Pipeline, packet: Parameters<Pipeline['inject']>[0], guests: number): number {
  const boot = (): Pipeline => {
    const run = base.fork();
    run.inject(packet);
    run.finish();
    run.boot();
    return run;
  };
  boot(); // what all share is made once
  const before = memoryInUse();
  const running = Array.from({ length: guests }, boot);
  const used = memoryInUse() - before;
  const shared = touchedBytes(base.actors.machine.memory.state.dram);
  const touched = running.reduce(
    (sum, { actors }) => sum + touchedBytes(actors.machine.memory.state.dram) - shared,
    0,
  );
  return (used - touched) / guests;
}

type Dram = Pipeline['actors']['machine']['memory']['state']['dram'];
const touchedBytes = ({ chunks, pages }: Dram): number => chunks.size * 2 * MIB + pages.size * 4 * KIB;

/** Bytes that 64 MiB of written memory need, each piece with as much untouched memory behind it where it is a page. */
function touchedMemory(piece: number): number {
  const { machine } = createPipeline(benchSetup(64 * KIB)).actors;
  const bytes = new Uint8Array(piece).fill(1);
  const step = piece < MIB ? 2 * piece : piece;
  const before = memoryInUse();
  for (let i = 0; i < TOUCHED / piece; i++)
    machine.host.memory.write(spa(0x1_0000_0000n + BigInt(i * step)), bytes);
  const used = memoryInUse() - before;
  machine.host.memory.read(spa(0n), 1); // it is alive until here
  return used;
}
