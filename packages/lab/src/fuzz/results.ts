import type { ChunkResult } from './chunk.ts';
import type { Failure } from './failure.ts';
import type { Plan } from './plan.ts';
import { type Shard, shardName, shardOf } from './shard.ts';

/** What is done with a campaign, and for which part of it. */
export interface Header extends Plan {
  /** Of sevlab: another one has other cases. */
  readonly version: string;
  readonly shard?: Shard;
}

/** A kind of failure, with the smallest case that fails like its first. */
export interface Report extends Failure {
  readonly door: string;
  readonly index: number;
  readonly count: number;
  /** The steps of shrinking: the nth of the smaller cases, and so on. */
  readonly path: readonly number[];
  /** The smallest case, as JSON. */
  readonly input: string;
  /** The scenario that shows it, as JSON. */
  readonly scenario?: string;
  /** What runs the first case again. */
  readonly reproduce: string;
}

export interface Results {
  readonly header: Header;
  readonly chunks: readonly ChunkResult[];
  readonly reports: readonly Report[];
}

export const headerLine = ({ version, seed, doors, shard }: Header): string =>
  line({ campaign: { version, seed, doors, ...(shard && { shard: shardName(shard) }) } });
export const chunkLine = (chunk: ChunkResult): string => line({ chunk });
export const reportLine = (failure: Report): string => line({ failure });

const line = (value: object): string => `${JSON.stringify(value)}\n`;

/** The lines of a whole file. */
export const resultLines = ({ header, chunks, reports }: Results): string =>
  [headerLine(header), ...chunks.map(chunkLine), ...reports.map(reportLine)].join('');

/** A line as it was written: resultLines() and this are in one file, and nobody else writes such lines. */
interface Line {
  readonly campaign?: Omit<Header, 'shard'> & { readonly shard?: string };
  readonly chunk?: ChunkResult;
  readonly failure?: Report;
}

/** Reads a file of results; a last line that is not whole is left out. Throws RangeError. */
export function readResults(text: string): Results {
  const lines = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1)
    .map(readLine);
  const [first] = lines;
  if (first?.campaign === undefined)
    throw new RangeError('expected the results of sevlab fuzz, which begin with a line about the campaign');
  const { shard, ...campaign } = first.campaign;
  return {
    header: { ...campaign, ...(shard !== undefined && { shard: shardOf(shard) }) },
    chunks: lines.flatMap(({ chunk }) => (chunk === undefined ? [] : [chunk])),
    reports: lines.flatMap(({ failure }) => (failure === undefined ? [] : [failure])),
  };
}

function readLine(text: string, index: number): Line {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new RangeError(`line ${index + 1}: expected an object as JSON, as sevlab fuzz writes it`);
}

/** Folds the results of all shards into those of the whole campaign. Throws RangeError. */
export function mergeResults(all: readonly Results[]): Results {
  const [first] = all;
  if (first === undefined) throw new RangeError('expected results to merge, got none');
  const { shard: _, ...header } = first.header;
  const numbers = new Set<number>();
  for (const { header: other } of all) {
    const { shard, ...campaign } = other;
    if (JSON.stringify(campaign) !== JSON.stringify(header))
      throw new RangeError(
        `expected shards of one campaign, got ${campaignText(header)} and ${campaignText(campaign)}`,
      );
    if (shard !== undefined && numbers.has(shard.index))
      throw new RangeError(`expected each shard once, got ${shardName(shard)} again`);
    if (shard !== undefined) numbers.add(shard.index);
  }
  const order = new Map(Object.keys(header.doors).map((name, i) => [name, i]));
  const place = ({ door }: { readonly door: string }): number => order.get(door) ?? order.size;
  const chunks = all
    .flatMap((results) => results.chunks)
    .sort((a, b) => place(a) - place(b) || a.from - b.from);
  expectWhole(header, chunks);
  return {
    header,
    chunks,
    reports: mergeReports(
      all.flatMap(({ reports }) => reports),
      place,
    ),
  };
}

const campaignText = ({ version, seed, doors }: Header): string =>
  `${Object.values(doors).reduce((sum, count) => sum + count, 0)} cases with seed ${seed} of sevlab ${version}`;

/** Every case of the campaign once. Throws RangeError. */
function expectWhole({ doors }: Header, chunks: readonly ChunkResult[]): void {
  for (const [door, runs] of Object.entries(doors)) {
    let at = 0;
    for (const { from, to } of chunks.filter((chunk) => chunk.door === door)) {
      if (from !== at) break;
      at = to;
    }
    if (at !== runs)
      throw new RangeError(`${door}: expected ${runs} cases, each once, got ${at} and then others or none`);
  }
}

/** One for each door and signature: the first case, and how many there are. */
function mergeReports(reports: readonly Report[], place: (report: Report) => number): readonly Report[] {
  const first = new Map<string, Report>();
  for (const report of reports) {
    const name = `${report.door} ${report.signature}`;
    const before = first.get(name);
    const least = before === undefined || report.index < before.index ? report : before;
    first.set(name, { ...least, count: report.count + (before?.count ?? 0) });
  }
  return [...first.values()].sort((a, b) => place(a) - place(b) || a.index - b.index);
}
