import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { systemReason } from '../system-reason.ts';
import type { Scenario } from './scenario.ts';
import { ScenarioError, SENT_SCENARIO } from './values.ts';

/** A scenario is written by a person. Bytes. */
const MAX_SIZE = 4 * 1024 * 1024;
/** Files that include each other. */
const MAX_DEPTH = 8;

/** Where something stands in a file. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The way to a value: names and indices. */
export type Path = readonly (string | number)[];

export interface LoadedScenario {
  /** Its shape is the JSON Schema's; validateScenario() checks files that are not ours. */
  readonly scenario: Scenario;
  /** Where the value at a path stands, or what is nearest above it; of a field, where its name does. */
  readonly placeOf: (path: Path) => Place;
}

/**
 * Reads a scenario, YAML or JSON, and what it includes; `-` is standard input. Throws ScenarioError, and for the file
 * itself the file system's errors.
 */
export function loadScenario(file: string): LoadedScenario {
  return load(file, readFileSync(file === '-' ? 0 : file), 1);
}

/** A scenario that somebody sent, as its bytes. It includes nothing. Throws ScenarioError. */
export const readSentScenario = (bytes: Uint8Array): LoadedScenario => load(SENT_SCENARIO, bytes, 1);

/** Lists that grow by inclusion. */
const LISTS: ReadonlySet<string> = new Set(['secrets', 'steps', 'faults']);
/** Objects whose fields come from both. */
const OBJECTS: ReadonlySet<string> = new Set(['platform', 'clock', 'matrix']);

type Fields = Readonly<Record<string, unknown>>;

interface Layer {
  readonly fields: Fields;
  readonly placeOf: (path: Path) => Place;
}

function load(file: string, bytes: Uint8Array, depth: number): LoadedScenario {
  const own = readLayer(file, bytes);
  const { include, ...fields } = own.fields;
  const included = (Array.isArray(include) ? include : include === undefined ? [] : [include]).map(
    (name: unknown, i) => {
      const place = own.placeOf(Array.isArray(include) ? ['include', i] : ['include']);
      if (typeof name !== 'string') throw new ScenarioError('expected the name of a file to include', place);
      if (depth === MAX_DEPTH)
        throw new ScenarioError(
          `${name}: expected at most ${MAX_DEPTH} files that include each other`,
          place,
        );
      if (file === SENT_SCENARIO)
        throw new ScenarioError('include: a scenario that was sent includes no files of this machine', place);
      return includeFile(resolve(dirname(file), name), name, { place, depth });
    },
  );
  const layers: Layer[] = [...included, { ...own, fields }];
  const merged: object = merge(layers);
  return { scenario: merged as Scenario, placeOf: (path) => placeIn(layers, own, path) }; // see LoadedScenario
}

function includeFile(
  path: string,
  name: string,
  { place, depth }: { readonly place: Place; readonly depth: number },
): Layer {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ScenarioError(`${name}: ${systemReason(error)}; expected a file that can be read`, place);
  }
  const { scenario, placeOf } = load(path, bytes, depth + 1);
  return { fields: { ...scenario }, placeOf };
}

function readLayer(file: string, bytes: Uint8Array): Layer {
  if (bytes.length > MAX_SIZE)
    throw new ScenarioError(`the file has ${bytes.length} bytes; expected a scenario of at most ${MAX_SIZE}`);
  const lines = new LineCounter();
  const document = parseDocument(new TextDecoder().decode(bytes), {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error', // no warnings of a library's on standard error
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const [error] = document.errors;
  if (error !== undefined)
    throw new ScenarioError(`no YAML (${error.code}); expected a scenario`, placeAt(error.pos[0])); // quotes no text
  const fields = valuesOf(document, placeAt(0));
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new ScenarioError('expected a scenario: fields with their values', placeAt(0));
  return { fields: { ...fields }, placeOf: (path) => placeAt(offsetOf(document, path)) };
}

/** What a document says. Throws ScenarioError for aliases without an anchor, and for very many. */
function valuesOf(document: Document, place: Place): unknown {
  try {
    return document.toJS();
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new ScenarioError('an alias names no anchor, or there are too many; expected values', place);
  }
}

/** Where a path's last name is written, or the deepest of its values that is there. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    const key =
      isMap(parent) && parent.items.find((pair) => isScalar(pair.key) && pair.key.value === last)?.key;
    if (isNode(key) && key.range) return key.range[0];
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function merge(layers: readonly Layer[]): Fields {
  const merged: Record<string, unknown> = {};
  for (const { fields } of layers) {
    for (const [name, value] of Object.entries(fields)) {
      const before = merged[name];
      if (LISTS.has(name) && Array.isArray(before) && Array.isArray(value))
        merged[name] = [...before, ...value];
      else if (OBJECTS.has(name) && isFields(before) && isFields(value))
        merged[name] = { ...before, ...value };
      else merged[name] = value;
    }
  }
  return merged;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The layer that a value comes from says where it stands. */
function placeIn(layers: readonly Layer[], own: Layer, path: Path): Place {
  const [name, second, ...rest] = path;
  if (typeof name !== 'string') return own.placeOf(path);
  if (LISTS.has(name) && typeof second === 'number') {
    let index = second;
    for (const { fields, placeOf } of layers) {
      const list = fields[name];
      const length = Array.isArray(list) ? list.length : 0;
      if (index < length) return placeOf([name, index, ...rest]);
      index -= length;
    }
  }
  const last = layers.findLast(({ fields }) =>
    OBJECTS.has(name) && typeof second === 'string'
      ? isFields(fields[name]) && second in fields[name]
      : name in fields,
  );
  return (last ?? own).placeOf(path);
}
