import Ajv, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { nearest } from './scenario/nearest.ts';

/** The way to a value: names and indices. */
type Path = readonly (string | number)[];

/** What is wrong with a value, in words. */
export interface Complaint {
  /** All of it, in one line. */
  readonly message: string;
  readonly expected?: string;
  readonly got?: string;
  /** The name that was perhaps meant. */
  readonly near?: string;
}

/** One of the things that are wrong. */
export interface Problem extends Complaint {
  readonly path: Path;
}

/** What is wrong with a value that a JSON Schema (2020-12) does not hold for; nothing when it does. */
export function problemsOf(schema: object, value: unknown): Problem[] {
  const validation = validations.get(schema) ?? {
    ajv: new Ajv.default(AJV_OPTIONS),
    root: schema,
    compiled: new WeakMap(),
  };
  validations.set(schema, validation);
  return problemsIn(validation, schema, value, []);
}

/** To compile a schema takes much longer than to hold a value against it. */
const validations = new WeakMap<object, Validation>();

const AJV_OPTIONS = { allErrors: true, verbose: true, allowUnionTypes: true };

/** `steps[3].expect` */
export const pathText = (path: Path): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${plain(step)}`))
    .join('')
    .replace(/^\./, '');

interface Validation {
  readonly ajv: Ajv.default;
  readonly root: object;
  /** By the form, which is the root or a part of it. */
  readonly compiled: WeakMap<object, ValidateFunction>;
}

/** Of a value that may have several forms, only what is wrong with the form that it was meant to have. */
function problemsIn(validation: Validation, form: object, value: unknown, base: Path): Problem[] {
  const { ajv, root, compiled } = validation;
  const validate =
    compiled.get(form) ?? ajv.compile({ ...form, $id: '', $defs: '$defs' in root ? root.$defs : {} });
  compiled.set(form, validate);
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  const choices = errors.filter(
    (error) => error.keyword === 'oneOf' && !errors.some((other) => other !== error && isAbove(other, error)),
  );
  const single = errors.filter((error) => !choices.some((choice) => isWithin(error, choice)));
  return [
    ...single.map((error): Problem => ({ path: pathOf(error, base), ...explain(error) })),
    ...choices.flatMap((choice) => {
      const path = pathOf(choice, base);
      const meant = formOf(choice);
      return 'message' in meant
        ? [{ path, ...meant }]
        : problemsIn(validation, meant.form, choice.data, path);
    }),
  ];
}

const isAbove = (other: ErrorObject, error: ErrorObject): boolean =>
  other.keyword === 'oneOf' && error.instancePath.startsWith(`${other.instancePath}/`);

const isWithin = (error: ErrorObject, { instancePath }: ErrorObject): boolean =>
  error.instancePath === instancePath || error.instancePath.startsWith(`${instancePath}/`);

/** The form whose name is among the fields, or else the one that has no name; in words, why there is none. */
function formOf({ schema: forms, data }: ErrorObject): { readonly form: object } | Complaint {
  const all = (Array.isArray(forms) ? forms : []).map((form) => ({ form, name: requiredOf(form)[0] ?? '' }));
  const named = all.filter(({ name }) => name !== '');
  const unnamed = all.find(({ name }) => name === '');
  const names = named.map(({ name }) => name);
  const plainForm = all.find(({ form }) => form.type !== 'object' && isOf(form.type, data));
  if (plainForm !== undefined) return plainForm;
  const expected = `one of ${names.join(', ')}`;
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    return complain({ expected: `${expected}, with its value`, got: kindOf(data) });
  const meant = named.filter(({ name }) => name in data);
  if (meant.length === 1) return meant[0]!;
  if (meant.length === 0 && unnamed) return unnamed;
  if (meant.length > 1) return complain({ expected, got: meant.map(({ name }) => name).join(' and ') });
  const given = Object.keys(data);
  const [near] = given.flatMap((field) => nearest(field, names) ?? []);
  return complain({ expected, got: given.map(plain).join(', ') || 'nothing', ...(near && { near }) });
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

function explain({
  keyword,
  message = '',
  params,
  data,
  parentSchema = {},
  instancePath,
}: ErrorObject): Complaint {
  const closed = SPELLINGS.has(instancePath.replace(/.*\//s, ''));
  const got = closed ? 'something else' : shown(data);
  switch (keyword) {
    case 'additionalProperties': {
      const known = Object.keys(parentSchema.properties ?? {});
      const near = nearest(String(params.additionalProperty), known);
      const expected = `one of ${known.join(', ')}`;
      const text = `no such field${suggestion(near)}; expected ${expected}`;
      return { message: text, expected, ...(near !== undefined && { near }) };
    }
    case 'required':
      return complain({ expected: `a field ${params.missingProperty}` });
    case 'enum': {
      const values = params.allowedValues.map(String);
      const near = nearest(String(data), values);
      return complain({ expected: `one of ${values.join(', ')}`, got, ...(near !== undefined && { near }) });
    }
    case 'const':
      return complain({ expected: String(params.allowedValue), got });
    case 'type': {
      const quotes = params.type === 'string' && typeof data !== 'object' ? ': put it in quotes' : '';
      const kind = closed ? `a ${typeof data}` : kindOf(data);
      return complain({ expected: ARTICLES[params.type] ?? params.type, got: `${kind}${quotes}` });
    }
    case 'pattern':
      return complain({ expected: parentSchema.description ?? `the form ${params.pattern}`, got });
    default:
      return { message: `it ${message}; got ${got}`, expected: message, got };
  }
}

/** `expected …; got …; did you mean …?` */
function complain({ expected, got, near }: Omit<Complaint, 'message'> & { expected: string }): Complaint {
  const message = `expected ${expected}${got === undefined ? '' : `; got ${got}`}${suggestion(near)}`;
  return { message, expected, ...(got !== undefined && { got }), ...(near !== undefined && { near }) };
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
