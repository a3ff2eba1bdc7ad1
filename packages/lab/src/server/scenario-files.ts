import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT_FOLDER } from '../root-folder.ts';
import { loadScenario } from '../scenario/load.ts';
import { runScenario } from '../scenario/run.ts';
import type { Lesson } from '../scenario/scenario.ts';
import { setupOf } from '../scenario/setup.ts';
import { traceText } from '../trace-file.ts';
import { BoundedStore } from './bounded-store.ts';
import { HttpProblem } from './http-problem.ts';

const FOLDER = join(ROOT_FOLDER, 'packages/lab/scenarios');
const SUFFIX = '.yaml';
/** Of the traces that are kept. Characters. */
const TRACES_MAX = 64 * 1024 * 1024;

export interface ListedScenario {
  /** The file's name in the folder of scenarios, without its ending: `attacks/a05-packet-again`. */
  readonly id: string;
  readonly title: string;
  readonly about: string;
  /** The folder that it lies in; `demonstration` for one beside the folders. */
  readonly group: string;
  readonly lesson?: Lesson;
}

/** The scenarios that came with sevlab. */
export class ScenarioFiles {
  readonly #traces = new BoundedStore<string>(TRACES_MAX, (text) => text.length);
  #list: readonly ListedScenario[] | undefined;

  list(): readonly ListedScenario[] {
    this.#list ??= names().map((id) => {
      const { title, about = '', lesson } = loadScenario(pathOf(id)).scenario;
      const group = id.includes('/') ? id.slice(0, id.indexOf('/')) : 'demonstration';
      return { id, title, about: about.trim(), group, ...(lesson && { lesson }) };
    });
    return this.#list;
  }

  /** The file's text. Throws HttpProblem. */
  text(id: string): string {
    this.#expect(id);
    return readFileSync(pathOf(id), 'utf8');
  }

  /** What `sevlab run --reveal` writes of it. Throws HttpProblem. */
  trace(id: string, seed: string | undefined): string {
    this.#expect(id);
    const name = JSON.stringify([id, seed]);
    const kept = this.#traces.get(name);
    if (kept !== undefined) return kept;
    const file = pathOf(id);
    const { scenario } = loadScenario(file);
    const { setup, secrets } = setupOf(scenario, file, { record: true, ...(seed !== undefined && { seed }) });
    const { pipeline } = runScenario(scenario, file, setup, secrets);
    const text = traceText(pipeline, { command: 'serve', scenario: scenario.title, reveal: true });
    this.#traces.set(name, text);
    return text;
  }

  /** What is not in the list is never looked for in a file system. */
  #expect(id: string): void {
    if (this.list().some((scenario) => scenario.id === id)) return;
    throw new HttpProblem(404, {
      error: `there is no scenario ${id}`,
      field: 'id',
      expected: 'an id that GET /api/scenarios lists',
      got: id,
      try: '/api/scenarios',
    });
  }
}

const pathOf = (id: string): string => join(FOLDER, `${id}${SUFFIX}`);

/** The demonstration first, then the folders in their order. */
const names = (): string[] =>
  readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length).replaceAll('\\', '/'))
    .sort((a, b) => Number(a.includes('/')) - Number(b.includes('/')) || a.localeCompare(b, 'en'));
