import { CaseThread, type Fallen } from './case-thread.ts';
import type { Chunk, ChunkResult, Fatal, FoundFailure } from './chunk.ts';
import type { Door } from './door.ts';
import { type DoorMeasurement, Measurements } from './measurement.ts';
import { chunksOf } from './plan.ts';
import type { Header, Report } from './results.ts';
import { Schedule } from './schedule.ts';
import { shrinkCase } from './shrink.ts';
import type { Answer } from './task.ts';

/** How often the memory of a thread is weighed in the time of a door. */
const WEIGHINGS = 24;

export interface CampaignOptions {
  readonly header: Header;
  readonly doors: readonly Door[];
  /** A program that calls serveTasks() with these doors when it runs as a worker. */
  readonly program: string;
  readonly workers: number;
  /** A case that takes longer hangs. Milliseconds. */
  readonly limit: number;
  /** What an earlier run of the same campaign did. */
  readonly done: readonly ChunkResult[];
  /** The words that run one case again. */
  readonly reproduce: (door: string, index: number) => string;
  /** Hears of each chunk, in the order of the plan. */
  readonly onChunk: (result: ChunkResult) => void;
  /** Hears of what is going on, often. */
  readonly onProgress: (progress: Progress) => void;
}

export interface Progress {
  readonly door: string;
  readonly done: number;
  readonly of: number;
  readonly failures: number;
  readonly perSecond: number;
  /** Seconds; undefined at the beginning. */
  readonly left: number | undefined;
}

export interface Campaign {
  readonly reports: readonly Report[];
  readonly measurements: readonly DoorMeasurement[];
  /** Of this run, without what was done before. Seconds. */
  readonly seconds: number;
  readonly cases: number;
}

/** Runs what is left of a campaign. The same cases come to the same, however many workers there are. */
export async function runCampaign(options: CampaignOptions): Promise<Campaign> {
  const { header, doors, workers, program, limit, done, onChunk } = options;
  const chunks = [...chunksOf(header, doors, header.shard)];
  expectBeginning(done, chunks);
  const left = chunks.slice(done.length);
  const threads = Array.from(
    { length: Math.min(workers, Math.max(1, left.length)) },
    () => new CaseThread({ program, seed: header.seed, limit }),
  );
  const measurements = new Measurements();
  const results: ChunkResult[] = [...done];
  const start = performance.now();
  const tell = progressOf(options, left, measurements, start);
  try {
    const finished = new Map<number, ChunkResult>();
    const schedule = new Schedule(left, threads.length);
    let told = 0;
    await Promise.all(
      threads.map(async (thread, number) => {
        for (let at = schedule.next(number); at !== undefined; at = schedule.next(number)) {
          const chunk = left[at]!; // it comes from there
          const answer = await chunkIn(thread, chunk, weighs(left, at, threads.length));
          measurements.add(`${number}.${thread.generation}`, answer);
          finished.set(at, answer.result);
          for (let ready = finished.get(told); ready; ready = finished.get(told)) {
            finished.delete(told++);
            results.push(ready);
            onChunk(ready);
          }
          tell(answer.result);
        }
      }),
    );
    const seconds = (performance.now() - start) / 1000;
    const reports: Report[] = [];
    for (const failure of failuresIn(results, doors))
      reports.push(await reportOf(threads[0]!, failure, options.reproduce)); // there is one thread at least
    const cases = left.reduce((sum, { from, to }) => sum + to - from, 0);
    return { reports, measurements: measurements.list(doors.map(({ name }) => name)), seconds, cases };
  } finally {
    await Promise.all(threads.map((thread) => thread.close()));
  }
}

/** Throws RangeError unless what was done is how the campaign begins. */
function expectBeginning(done: readonly ChunkResult[], chunks: readonly Chunk[]): void {
  done.forEach(({ door, from, to }, i) => {
    const chunk = chunks[i];
    if (chunk?.door !== door || chunk.from !== from || chunk.to !== to)
      throw new RangeError(
        `expected the beginning of this campaign, got ${door} from ${from} to ${to} as number ${i + 1}`,
      );
  });
}

/** Whether memory is weighed after a chunk: at equal distances in the time of its door. */
function weighs(chunks: readonly Chunk[], at: number, threads: number): boolean {
  const { door } = chunks[at]!; // whoever asks has it
  const first = chunks.findIndex((chunk) => chunk.door === door);
  const count = chunks.findLastIndex((chunk) => chunk.door === door) - first + 1;
  return (at - first) % Math.max(1, Math.floor(count / (WEIGHINGS * threads))) === 0;
}

/** Runs a chunk, again and again while a case in it takes the thread with it. */
async function chunkIn(
  thread: CaseThread,
  chunk: Chunk,
  weigh: boolean,
): Promise<Extract<Answer, { kind: 'chunk' }>> {
  const fatal: Fatal[] = [];
  for (;;) {
    const answer = await thread.run({ kind: 'chunk', chunk, fatal, weigh });
    if (answer.kind === 'chunk') return answer;
    if (answer.kind !== 'fallen') throw new Error(`expected a chunk, got ${answer.kind}`);
    expectInside(answer, chunk);
    fatal.push({ index: answer.index, failure: answer.failure });
  }
}

function expectInside({ index, failure }: Fallen, { door, from, to }: Chunk): void {
  if (index < from || index >= to) throw new Error(`the door ${door} does not open: ${failure.message}`);
}

interface DoorFailure extends FoundFailure {
  readonly door: string;
}

/** One for each door and signature, in the order of doors and cases. */
function failuresIn(chunks: readonly ChunkResult[], doors: readonly Door[]): readonly DoorFailure[] {
  return doors.flatMap(({ name: door }) => {
    const first = new Map<string, DoorFailure>();
    for (const { failures } of chunks.filter((chunk) => chunk.door === door)) {
      for (const failure of failures) {
        const before = first.get(failure.signature);
        const count = failure.count + (before?.count ?? 0);
        first.set(failure.signature, { ...(before ?? { ...failure, door }), count });
      }
    }
    return [...first.values()];
  });
}

async function reportOf(
  thread: CaseThread,
  found: DoorFailure,
  reproduce: CampaignOptions['reproduce'],
): Promise<Report> {
  const { door, index, count } = found;
  const { path, failure } = await shrinkCase(thread, door, index, found);
  const shown = await thread.run({ kind: 'show', door, index, path });
  if (shown.kind !== 'show') throw new Error(`the case ${index} of ${door} cannot be shown: ${shown.kind}`);
  const { input, scenario } = shown;
  const { kind, signature, message } = failure;
  return {
    ...{ door, kind, signature, message, index, count, path, input },
    ...(scenario !== undefined && { scenario }),
    reproduce: reproduce(door, index),
  };
}

/** Tells of progress after each chunk. */
function progressOf(
  { doors, workers, done, onProgress }: CampaignOptions,
  left: readonly Chunk[],
  measurements: Measurements,
  start: number,
): (result: ChunkResult) => void {
  const cost = new Map(doors.map((door) => [door.name, door.cost]));
  const guess = (chunk: Chunk): number => (chunk.to - chunk.from) * (cost.get(chunk.door) ?? 0);
  const before = done.reduce((sum, { from, to }) => sum + to - from, 0);
  const of = left.reduce((sum, { from, to }) => sum + to - from, before);
  let guessLeft = left.reduce((sum, chunk) => sum + guess(chunk), 0);
  let [guessed, cases] = [0, 0];
  const seen = new Set(
    done.flatMap(({ door, failures }) => failures.map((each) => `${door} ${each.signature}`)),
  );
  return (result) => {
    cases += result.to - result.from;
    guessed += guess(result);
    guessLeft -= guess(result);
    for (const { signature } of result.failures) seen.add(`${result.door} ${signature}`);
    const pace = guessed === 0 ? undefined : measurements.busy / guessed;
    onProgress({
      ...{ door: result.door, done: before + cases, of, failures: seen.size },
      perSecond: (1000 * cases) / (performance.now() - start),
      left: pace === undefined ? undefined : (guessLeft * pace) / 1000 / Math.min(workers, left.length),
    });
  };
}
