import { readFileSync } from 'node:fs';
import { LineCounter, parse, YAMLParseError } from 'yaml';
import type { Scenario } from './scenario.ts';
import { ScenarioError } from './values.ts';

/** A scenario is written by a person. Bytes. */
const MAX_SIZE = 4 * 1024 * 1024;

/** Reads a scenario, YAML or JSON; `-` is standard input. Throws ScenarioError, and the file system's errors. */
export function loadScenario(file: string): Scenario {
  const bytes = readFileSync(file === '-' ? 0 : file);
  if (bytes.length > MAX_SIZE) {
    throw new ScenarioError(`the file has ${bytes.length} bytes; expected a scenario of at most ${MAX_SIZE}`);
  }
  const lineCounter = new LineCounter();
  try {
    // its shape is the JSON Schema's; validateScenario checks files that are not ours
    return parse(bytes.toString('utf8'), { lineCounter, prettyErrors: false }) as Scenario;
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw new ScenarioError(`line ${line}, column ${col}: no YAML (${error.code}); expected a scenario`); // quotes no text
  }
}
