import { arch, cpus, platform } from 'node:os';
import type { Campaign } from './campaign.ts';
import type { DoorMeasurement } from './measurement.ts';
import type { Header, Report } from './results.ts';

const MIB = 1024 * 1024;
const mib = (bytes: number): string => (bytes / MIB).toFixed(0);

/** What came of a campaign, a line for each door. */
export function campaignText({ measurements, reports, seconds, cases }: Campaign): string {
  const lines = measurements.map(
    ({ door, cases: count, perSecond, slowest, liveWarm, liveEnd }) =>
      `${door.padEnd(18)}${`${count}`.padStart(9)} cases ${`${Math.round(perSecond)}`.padStart(8)} per second and thread, ` +
      `slowest ${Math.ceil(slowest)} ms, held ${mib(liveWarm)} MiB when warm, ${mib(liveEnd)} MiB at the end`,
  );
  const failed = reports.length === 0 ? 'no failure' : `${reports.length} kinds of failures`;
  return [...lines, `${cases} cases in ${seconds.toFixed(1)} s: ${failed}`].join('\n');
}

/** The same as a page, for people who did not see the run. */
export function campaignMarkdown(
  { measurements, reports, seconds, cases }: Campaign,
  { header, workers, limit }: { readonly header: Header; readonly workers: number; readonly limit: number },
): string {
  const total = Object.values(header.doors).reduce((sum, count) => sum + count, 0);
  const [cpu] = cpus();
  const rows = measurements.map(doorRow);
  const grown = measurements.filter(({ growth = 0 }) => growth > 0).map(({ door }) => door);
  const short = measurements.filter(({ growth }) => growth === undefined).map(({ door }) => door);
  const hangs = reports.filter(({ kind }) => kind === 'hang').length;
  return `# Report of a fuzz campaign

Written by \`sevlab fuzz --runs ${total} --seed ${header.seed} --workers ${workers} --report\`, sevlab ${header.version}. What
comes in at each door and what must hold there: \`sevlab fuzz --list\`.

${cases} cases in ${Math.round(seconds)} s, ${Math.round(cases / seconds)} per second, on ${workers === 1 ? 'one thread' : `${workers} threads`}: ${cpu?.model.trim() ?? 'unknown processor'},
${platform()} ${arch()}, Node.js ${process.versions.node}.

- Failures: ${reports.length === 0 ? 'none' : reports.length}. No other error than those that refuse an input in words counts as an answer.
- Hangs: ${hangs === 0 ? 'none' : hangs}. A case may take ${limit / 1000} s; the slowest of each door is in the table.
- Memory that grows after warm-up: ${grown.length === 0 ? 'none' : grown.join(', ')}. "Held" is what one thread holds after a full collection, "resident" the whole
  process; both after the first quarter of a door's cases, and at its end.${short.length === 0 ? '' : `\n  Too few samples to tell: ${short.join(', ')}.`}

| Door | Cases | Per second and thread | Slowest, ms | Held, MiB | Resident, MiB |
| --- | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}
${failureSection(reports)}`;
}

const doorRow = ({ door, cases, perSecond, slowest, ...memory }: DoorMeasurement): string => {
  const { liveWarm, liveEnd, residentWarm, residentEnd } = memory;
  return `| ${[
    ...[door, cases, Math.round(perSecond), Math.ceil(slowest)],
    ...[`${mib(liveWarm)} → ${mib(liveEnd)}`, `${mib(residentWarm)} → ${mib(residentEnd)}`],
  ].join(' | ')} |`;
};

const failureSection = (reports: readonly Report[]): string =>
  reports.length === 0
    ? ''
    : `\n## Failures\n\n${reports
        .map(
          ({ door, signature, count, reproduce }) =>
            `- ${door}: ${signature}, ${count} times: \`${reproduce}\``,
        )
        .join('\n')}\n`;
