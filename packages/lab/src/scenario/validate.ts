import Ajv, { type ErrorObject } from 'ajv/dist/2020.js';
import schema from '../../scenario.schema.json' with { type: 'json' };
import type { Scenario } from './scenario.ts';
import { ScenarioError } from './values.ts';

/** Holds a scenario against its JSON Schema. Throws ScenarioError that names the place and what was expected. */
export function validateScenario(scenario: Scenario): Scenario {
  const validate = new Ajv.default({ allErrors: false, verbose: true }).compile(schema);
  if (validate(scenario)) return scenario;
  const deepest = [...(validate.errors ?? [])].sort(
    (a, b) => b.instancePath.length - a.instancePath.length,
  )[0];
  if (deepest === undefined) throw new ScenarioError('the scenario does not match its schema');
  throw new ScenarioError(`${deepest.instancePath || '/'}: ${explain(deepest)}; see scenario.schema.json`);
}

function explain({ keyword, message = '', params, data }: ErrorObject): string {
  if (keyword === 'additionalProperties') return `${message} '${params.additionalProperty}'`;
  if (keyword === 'enum') return `${message}: ${params.allowedValues.join(', ')}`;
  if (keyword === 'type' && params.type === 'string')
    return `${message}, got the ${typeof data} ${data}: put it in quotes`;
  if (keyword === 'oneOf')
    return 'it must be one of the forms that the schema has, with the fields of that form only';
  return message;
}
