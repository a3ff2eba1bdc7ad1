import Ajv from 'ajv/dist/2020.js';
import schema from '../../scenario.schema.json' with { type: 'json' };
import type { Scenario } from './scenario.ts';
import { ScenarioError } from './values.ts';

/** Holds a scenario against its JSON Schema. Throws ScenarioError that names the place and what was expected. */
export function validateScenario(scenario: Scenario): Scenario {
  const validate = new Ajv.default({ allErrors: false, verbose: false }).compile(schema);
  if (validate(scenario)) return scenario;
  const deepest = [...(validate.errors ?? [])].sort(
    (a, b) => b.instancePath.length - a.instancePath.length,
  )[0];
  if (deepest === undefined) throw new ScenarioError('the scenario does not match its schema');
  const extra = 'additionalProperty' in deepest.params ? ` '${deepest.params.additionalProperty}'` : '';
  const allowed = 'allowedValues' in deepest.params ? `: ${deepest.params.allowedValues.join(', ')}` : '';
  throw new ScenarioError(
    `${deepest.instancePath || '/'}: ${deepest.message}${extra}${allowed}; see scenario.schema.json`,
  );
}
