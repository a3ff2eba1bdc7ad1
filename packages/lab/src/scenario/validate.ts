import Ajv, { type ErrorObject } from 'ajv/dist/2020.js';
import schema from '../../scenario.schema.json' with { type: 'json' };
import type { Path, Place } from './load.ts';
import { nearest } from './nearest.ts';
import type { Scenario } from './scenario.ts';
import { ScenarioError } from './values.ts';

/** Holds a scenario against its JSON Schema. Throws ScenarioError that names every place and what was expected there. */
export function validateScenario(
  scenario: Scenario,
  placeOf: (path: Path) => Place | undefined = () => undefined,
): Scenario {
  const ajv = new Ajv.default({ allErrors: true, verbose: true, allowUnionTypes: true });
  const problems = problemsIn(ajv, schema, scenario, []);
  const [first, ...others] = problems.map(
    ({ path, message }) => new ScenarioError(`${nameOf(path)}${message}`, placeOf(path)),
  );
  if (first === undefined) return scenario;
  first.others.push(...others);
  throw first;
}

interface Problem {
  readonly path: Path;
  readonly message: string;
}

/** Of a value that may have several forms, only what is wrong with the form that it was meant to have. */
function problemsIn(ajv: Ajv.default, form: object, value: unknown, base: Path): Problem[] {
  const validate = ajv.compile({ ...form, $id: '', $defs: schema.$defs });
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  const choices = errors.filter(
    (error) => error.keyword === 'oneOf' && !errors.some((other) => other !== error && isAbove(other, error)),
  );
  const single = errors.filter((error) => !choices.some((choice) => isWithin(error, choice)));
  return [
    ...single.map((error): Problem => ({ path: pathOf(error, base), message: explain(error) })),
    ...choices.flatMap((choice) => {
      const path = pathOf(choice, base);
      const meant = formOf(choice);
      return typeof meant === 'string'
        ? [{ path, message: meant }]
        : problemsIn(ajv, meant, choice.data, path);
    }),
  ];
}

const isAbove = (other: ErrorObject, error: ErrorObject): boolean =>
  other.keyword === 'oneOf' && error.instancePath.startsWith(`${other.instancePath}/`);

const isWithin = (error: ErrorObject, { instancePath }: ErrorObject): boolean =>
  error.instancePath === instancePath || error.instancePath.startsWith(`${instancePath}/`);

/** The form whose name is among the fields, or else the one that has no name; in words, why there is none. */
function formOf({ schema: forms, data }: ErrorObject): object | string {
  const all = (Array.isArray(forms) ? forms : []).map((form) => ({ form, name: requiredOf(form)[0] ?? '' }));
  const named = all.filter(({ name }) => name !== '');
  const unnamed = all.find(({ name }) => name === '');
  const names = named.map(({ name }) => name).join(', ');
  const plainForm = (Array.isArray(forms) ? forms : []).find(
    ({ type }) => type !== 'object' && isOf(type, data),
  );
  if (plainForm !== undefined) return plainForm;
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    return `expected one of ${names}, with its value; got ${kindOf(data)}`;
  const meant = named.filter(({ name }) => name in data);
  if (meant.length === 1) return meant[0]!.form;
  if (meant.length === 0 && unnamed) return unnamed.form;
  const given = Object.keys(data);
  if (meant.length > 1) return `expected one of ${names}; got ${meant.map(({ name }) => name).join(' and ')}`;
  const near = given.flatMap(
    (field) =>
      nearest(
        field,
        named.map(({ name }) => name),
      ) ?? [],
  );
  return `expected one of ${names}; got ${given.map(plain).join(', ') || 'nothing'}${suggestion(near[0])}`;
}

/** Whether a number or a text is what JSON Schema calls so. */
const isOf = (type: unknown, data: unknown): boolean =>
  type === 'integer' ? typeof data === 'number' : type === typeof data;

const requiredOf = (form: unknown): readonly string[] =>
  typeof form === 'object' && form !== null && 'required' in form && Array.isArray(form.required)
    ? form.required
    : [];

/** A field that should not be there has a place of its own. */
function pathOf({ instancePath, keyword, params }: ErrorObject, base: Path): Path {
  const names = instancePath.split('/').slice(1).map(stepOf);
  return [
    ...base,
    ...names,
    ...(keyword === 'additionalProperties' ? [String(params.additionalProperty)] : []),
  ];
}

/** A step of a JSON Pointer (RFC 6901). */
const stepOf = (text: string): string | number =>
  /^\d+$/.test(text) ? Number(text) : text.replaceAll('~1', '/').replaceAll('~0', '~');

/** `steps[3].expect: ` */
function nameOf(path: Path): string {
  const name = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${plain(step)}`)).join('');
  return name === '' ? '' : `${name.replace(/^\./, '')}: `;
}

function explain({
  keyword,
  message = '',
  params,
  data,
  parentSchema = {},
  instancePath,
}: ErrorObject): string {
  const closed = SPELLINGS.has(instancePath.replace(/.*\//s, ''));
  const got = closed ? 'something else' : shown(data);
  switch (keyword) {
    case 'additionalProperties': {
      const known = Object.keys(parentSchema.properties ?? {});
      return `no such field${suggestion(nearest(String(params.additionalProperty), known))}; expected one of ${known.join(', ')}`;
    }
    case 'required':
      return `expected a field ${params.missingProperty}`;
    case 'enum': {
      const values = params.allowedValues.map(String);
      return `expected one of ${values.join(', ')}; got ${got}${suggestion(nearest(String(data), values))}`;
    }
    case 'const':
      return `expected ${params.allowedValue}; got ${got}`;
    case 'type': {
      const quotes = params.type === 'string' && typeof data !== 'object' ? ': put it in quotes' : '';
      return `expected ${ARTICLES[params.type] ?? params.type}; got ${closed ? `a ${typeof data}` : kindOf(data)}${quotes}`;
    }
    case 'pattern':
      return `expected ${parentSchema.description ?? `the form ${params.pattern}`}; got ${got}`;
    default:
      return `it ${message}; got ${got}`;
  }
}

/** Names that nobody would give a field may be anything. */
const plain = (name: string): string => (/^[\w$-]{1,40}$/.test(name) ? name : '…');

/** Fields whose value may be a secret. */
const SPELLINGS: ReadonlySet<string> = new Set(['text', 'hex', 'base64']);

const ARTICLES: Readonly<Record<string, string>> = {
  ...{ string: 'text', integer: 'a whole number', number: 'a number', boolean: 'true or false' },
  ...{ array: 'a list', object: 'fields with their values' },
};

const suggestion = (near: string | undefined): string =>
  near === undefined ? '' : `; did you mean ${near}?`;

/** Long values may be secrets, and no message needs them. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'fields' : `the ${typeof value} ${shown(value)}`;
}
