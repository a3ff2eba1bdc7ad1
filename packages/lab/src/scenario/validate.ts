import schema from '../../scenario.schema.json' with { type: 'json' };
import { pathText, problemsOf } from '../schema-problems.ts';
import type { Path, Place } from './load.ts';
import type { Scenario } from './scenario.ts';
import { ScenarioError } from './values.ts';

/** Holds a scenario against its JSON Schema. Throws ScenarioError that names every place and what was expected there. */
export function validateScenario(
  scenario: Scenario,
  placeOf: (path: Path) => Place | undefined = () => undefined,
): Scenario {
  const [first, ...others] = problemsOf(schema, scenario).map(({ path, message }) => {
    const name = pathText(path);
    return new ScenarioError(name === '' ? message : `${name}: ${message}`, placeOf(path));
  });
  if (first === undefined) return scenario;
  first.others.push(...others);
  throw first;
}
