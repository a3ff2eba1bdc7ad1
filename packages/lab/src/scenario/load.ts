import { readFileSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';
import type { Scenario } from './scenario.ts';
import { ScenarioError } from './values.ts';

/** Reads a scenario, YAML or JSON. Throws ScenarioError, and the file system's errors. */
export function loadScenario(file: string): Scenario {
  const text = readFileSync(file, 'utf8');
  try {
    return parse(text) as Scenario; // its shape is the JSON Schema's; validateScenario checks files that are not ours
  } catch (error) {
    if (error instanceof YAMLParseError) throw new ScenarioError(`${file}: ${error.message}`);
    throw error;
  }
}
