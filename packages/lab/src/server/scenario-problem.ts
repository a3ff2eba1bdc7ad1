import type { LoadedScenario, Path, Place } from '../scenario/load.ts';
import type { ScenarioError } from '../scenario/values.ts';
import type { ProblemText } from './http-problem.ts';

/** What is wrong with a scenario, and where in its text when that is known. */
export function scenarioProblem(
  { message, place, others }: ScenarioError,
  placeOf?: LoadedScenario['placeOf'],
): ProblemText & Readonly<Record<string, unknown>> {
  const told = (error: string, known: Place | undefined) => {
    const field = fieldIn(error);
    const at = known ?? (field === undefined ? undefined : placeOf?.(pathOf(field)));
    return {
      error,
      ...(field !== undefined && { field }),
      ...(at && { file: 'scenario', line: at.line, column: at.column }),
    };
  };
  return {
    ...told(message, place),
    ...(others.length > 0 && { others: others.map((other) => told(other.message, other.place)) }),
  };
}

/** Messages about a field begin with its name: `steps[3].expect: …`. */
const fieldIn = (message: string): string | undefined =>
  /^([\w$]+(?:\.[\w$]+|\[\d+\])*): /.exec(message)?.[1];

/** `steps[3].expect` → steps, 3, expect */
const pathOf = (field: string): Path =>
  (field.match(/[\w$]+/g) ?? []).map((name) => (/^\d+$/.test(name) ? Number(name) : name));
