import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WEB_FOLDER } from '../root-folder.ts';

/** One run for the player. */
export interface PlayedRun {
  readonly name: string;
  /** What it should have given and did not; empty when it is as expected. */
  readonly deviations: readonly string[];
  /** The text of its trace file; absent when it could not be run. */
  readonly trace?: string;
}

/** The page that plays these runs, in one file: no server, no network (packages/lab-web/src/report.tsx). */
export function playerHtml(runs: readonly PlayedRun[]): string {
  const template = readFileSync(join(WEB_FOLDER, 'report.html'), 'utf8');
  // inside the element, `<` could end it; in JSON it stands in strings only, where it has another spelling
  const json = JSON.stringify(runs).replaceAll('<', '\\u003c');
  return template.replace('>"RUNS"<', () => `>${json}<`);
}
