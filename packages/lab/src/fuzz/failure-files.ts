import { createHash } from 'node:crypto';
import type { Report } from './results.ts';

export interface FailureFile {
  readonly name: string;
  readonly content: string;
}

/** What shows a failure: a scenario for `sevlab run` where one can, and the input with the command that draws it. */
export function failureFiles(report: Report): readonly FailureFile[] {
  const { door, signature, message, index, count, reproduce, input, scenario } = report;
  const name = `${door}-${createHash('sha256').update(signature).digest('hex').slice(0, 8)}`;
  const about = { door, signature, message, index, count, reproduce };
  return [
    { name: `${name}.json`, content: `${JSON.stringify({ ...about, input: JSON.parse(input) }, null, 2)}\n` },
    ...(scenario === undefined
      ? []
      : [{ name: `${name}.scenario.json`, content: `${JSON.stringify(JSON.parse(scenario), null, 2)}\n` }]),
  ];
}
