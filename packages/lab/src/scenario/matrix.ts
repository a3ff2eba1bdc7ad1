import type { LoadedScenario, Path } from './load.ts';
import type { Scenario } from './scenario.ts';
import { ScenarioError } from './values.ts';

/** Runs of one file. */
const VARIANTS_MAX = 1000;

/** One combination of a matrix. */
export interface Variant extends LoadedScenario {
  /** Which, such as `linux 6.1, platform.part milan`; undefined where there is no matrix. */
  readonly name: string | undefined;
}

type Choice = readonly [field: string, value: unknown, index: number];

/** Every combination of a scenario's matrix, in the order of its fields. Throws ScenarioError for one that is none. */
export function variantsOf({ scenario, placeOf }: LoadedScenario): Variant[] {
  const { matrix, ...base } = scenario;
  if (matrix === undefined) return [{ scenario, placeOf, name: undefined }];
  if (typeof matrix !== 'object' || matrix === null || Array.isArray(matrix))
    throw new ScenarioError('matrix: expected fields, each with a list of values', placeOf(['matrix']));
  let combinations: Choice[][] = [[]];
  for (const [field, values] of Object.entries(matrix)) {
    if (!Array.isArray(values) || values.length === 0)
      throw new ScenarioError(
        `matrix.${field}: expected a list of one value or more`,
        placeOf(['matrix', field]),
      );
    const choices = values.map((value, i): Choice => [field, value, i]);
    combinations = combinations.flatMap((before) => choices.map((choice) => [...before, choice]));
    if (combinations.length > VARIANTS_MAX)
      throw new ScenarioError(`matrix: expected at most ${VARIANTS_MAX} combinations`, placeOf(['matrix']));
  }
  return combinations.map((choices) => ({
    scenario: choices.reduce<Scenario>(
      (result, [field, value]) => set(result, field.split('.'), value),
      base,
    ),
    placeOf: (path) => placeOf(chosenPath(choices, path) ?? path),
    name: choices
      .map(([field, value]) => `${field} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
      .join(', '),
  }));
}

/** A copy of an object with another value at a path. */
function set<T extends object>(object: T, [name = '', ...rest]: readonly string[], value: unknown): T {
  const before: unknown = Reflect.get(object, name);
  const inner = typeof before === 'object' && before !== null && !Array.isArray(before) ? before : {};
  return { ...object, [name]: rest.length === 0 ? value : set(inner, rest, value) };
}

/** A value that a matrix gave stands there. */
function chosenPath(choices: readonly Choice[], path: Path): Path | undefined {
  const choice = choices.find(([field]) => field.split('.').every((name, i) => path[i] === name));
  return choice && ['matrix', choice[0], choice[2], ...path.slice(choice[0].split('.').length)];
}
