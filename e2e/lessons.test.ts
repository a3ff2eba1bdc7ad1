import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gpa } from '@sevlab/codec/address';
import { SEV_STATUS } from '@sevlab/codec/sev/status';
import { Refused } from '@sevlab/lab/pipeline';
import { loadScenario } from '@sevlab/lab/scenario/load';
import { runScenario, type ScenarioRun } from '@sevlab/lab/scenario/run';
import type { Scenario } from '@sevlab/lab/scenario/scenario';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { validateScenario } from '@sevlab/lab/scenario/validate';
import { ScenarioError } from '@sevlab/lab/scenario/values';
import { type AnyEvent, ofType } from '@sevlab/story/event';
import { journeyOf, tracedSecrets } from '@sevlab/story/journey';
import { ATTACK_LESSONS } from '@sevlab/story/lessons/attacks';
import { contradictions, UNNOTICED } from '@sevlab/story/lessons/claim';
import { checkExercise, solutionOf } from '@sevlab/story/lessons/exercise';
import { EXERCISES } from '@sevlab/story/lessons/exercises';
import type { Look } from '@sevlab/story/lessons/look';
import { TOUR } from '@sevlab/story/lessons/tour';
import { MemoryHistory } from '@sevlab/story/memory-history';
import { memoryMapAt } from '@sevlab/story/memory-map';
import { positionOf, type Selector, stepOf } from '@sevlab/story/selector';
import { type Step, stepsOf } from '@sevlab/story/steps';
import { Structures } from '@sevlab/story/structures';
import { threeViews } from '@sevlab/story/three-views';
import { afterAll, describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../packages/lab/scenarios', import.meta.url));
const fileOf = (id: string): string => join(folder, `${id}.yaml`);

interface Played {
  readonly passed: boolean;
  readonly steps: readonly Step[];
  readonly events: readonly AnyEvent[];
}

function runOf(scenario: Scenario, file: string): ScenarioRun {
  const { setup, secrets } = setupOf(scenario, file, { record: true });
  return runScenario(scenario, file, setup, secrets);
}

function play(scenario: Scenario, file: string): Played {
  const { pipeline, passed } = runOf(scenario, file);
  const { events } = pipeline.observer;
  return { passed, events, steps: stepsOf(events) };
}

/** Undefined for a scenario that asks for what cannot be. */
function played(scenario: Scenario, file: string): Played | undefined {
  try {
    return play(scenario, file);
  } catch (error) {
    if (error instanceof ScenarioError || error instanceof Refused) return undefined;
    throw error;
  }
}

const runs = new Map<string, Played>();
function playFile(id: string): Played {
  let run = runs.get(id);
  if (run === undefined) {
    run = play(loadScenario(fileOf(id)).scenario, fileOf(id));
    runs.set(id, run);
  }
  return run;
}

/** Whether what a text wants to be looked at is there. */
function shows({ steps, events }: Played, look: Look, at: Selector): boolean {
  switch (look.view) {
    case 'structure': {
      const step = stepOf(steps, events, look.of ?? at);
      return step !== undefined && new Structures(events).of(step).some(({ name }) => name === look.name);
    }
    case 'journey':
      return journeyOf(events, steps, look).length > 2;
    case 'memory': {
      const step = stepOf(steps, events, at)!;
      const place = { gpa: gpa(BigInt(look.gpa)) };
      const { host, guest } = threeViews(new MemoryHistory(events), step.last + 1, place, look.length);
      return host.known.includes(1) && guest.known.includes(1);
    }
    case 'map': {
      const step = stepOf(steps, events, at)!;
      return memoryMapAt(events, new MemoryHistory(events), step.last + 1).regions.length > 0;
    }
    case 'checks':
      return true;
    case 'output':
      return stepOf(steps, events, at)?.kind === 'shell';
  }
}

const sentencesIn = (text: readonly string[]): number => text.join(' ').split(/[.?](?= |$)/).length - 1;

const answersOf = (events: readonly AnyEvent[]): ReadonlySet<string> =>
  new Set(ofType(events, 'status').map(({ status }) => status));

/** Statuses that texts name. */
const statusesIn = (texts: readonly string[]): string[] =>
  texts
    .flatMap((text) => text.match(/\b[A-Z]+(_[A-Z]+)*\b/g) ?? [])
    .filter((word) => Object.hasOwn(SEV_STATUS, word));

/** Addresses and GUIDs that a text names. */
const named = (text: string): string[] =>
  text.match(/\b(0x[0-9a-f]{5,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/g) ?? [];

/** Whether the events of a run speak of it, in whatever number of digits, or its secrets do. */
const isIn = ({ events }: Played, name: string): boolean => {
  const text = JSON.stringify(events.map(({ open: _, closed: __, ...event }) => event));
  return (
    text.includes(name) ||
    text.includes(name.replace(/^0x/, '')) ||
    tracedSecrets(events).some(({ guid }) => guid === name)
  );
};

/** Every text of a lesson. */
const textsOf = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(textsOf)
      : [];

describe('the tour', () => {
  const run = playFile(TOUR.scenario);

  it('passes ten times on, from the first step on', () => {
    expect(run.passed).toBe(true);
    expect(TOUR.stops).toHaveLength(11);
    expect(stepOf(run.steps, run.events, TOUR.stops[0]!.at)?.index).toBe(0);
  });

  it('finds each stop in the trace, each behind the one before', () => {
    const indices = TOUR.stops.map(({ at }) => stepOf(run.steps, run.events, at)?.index ?? -1);
    expect(indices).not.toContain(-1);
    expect(indices).toEqual([...new Set(indices)].sort((a, b) => a - b));
  });

  it.each(TOUR.stops.map((stop) => [stop.id, stop] as const))(
    '%s: two to four sentences, and something to see',
    (_, stop) => {
      expect(sentencesIn(stop.text)).toBeGreaterThanOrEqual(2);
      expect(sentencesIn(stop.text)).toBeLessThanOrEqual(4);
      expect(shows(run, stop.look.at, stop.at)).toBe(true);
      expect(stop.readers.who).not.toContain('host');
      expect(
        textsOf(stop)
          .flatMap(named)
          .filter((name) => !isIn(run, name)),
      ).toEqual([]);
    },
  );
});

describe.each(ATTACK_LESSONS.map((lesson) => [lesson.id, lesson] as const))(
  'attack lesson %s',
  (_, lesson) => {
    const { reveal } = lesson;
    const run = playFile(lesson.scenario);

    it('plays a scenario that goes as it says, and so does the remedy', () => {
      expect(run.passed).toBe(true);
      if (lesson.remedied !== undefined) expect(playFile(lesson.remedied).passed).toBe(true);
    });

    it('asks before the run shows it', () => {
      const asked = positionOf(run.events, lesson.upTo);
      const shown = positionOf(run.events, reveal.at);
      expect(asked).toBeDefined();
      expect(shown).toBeGreaterThanOrEqual(asked!);
      expect(contradictions(run.events.slice(0, asked! + 1), { there: reveal.claim.there! })).not.toEqual([]);
      expect(shows(run, reveal.look, reveal.at)).toBe(true);
    });

    it('has three or four predictions, of which one is right', () => {
      expect(lesson.predictions.length).toBeGreaterThanOrEqual(3);
      expect(lesson.predictions.length).toBeLessThanOrEqual(4);
      const ids = lesson.predictions.map(({ id }) => id);
      expect(ids.filter((id) => id === lesson.right)).toHaveLength(1);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('says what the trace says', () => {
      expect(contradictions(run.events, reveal.claim)).toEqual([]);
      const failed = run.events.filter((event) => event.type === 'precondition' && !event.held);
      if (reveal.caughtBy === 'nobody')
        expect(reveal.claim.nowhere).toEqual(expect.arrayContaining([...UNNOTICED]));
      else
        expect(failed).toEqual([
          expect.objectContaining({ actor: reveal.caughtBy, condition: reveal.check }),
        ]);
    });

    it('names addresses and secrets that are there', () => {
      const names = [...lesson.situation, ...reveal.text, ...textsOf(reveal.look)].flatMap(named);
      expect(names.filter((name) => !isIn(run, name))).toEqual([]);
    });

    it('would not say it of another run', () => {
      expect(contradictions(playFile('kernel-documentation').events, reveal.claim)).not.toEqual([]);
    });

    it('names no status that the AMD-SP did not answer', () => {
      const answered = answersOf(run.events);
      expect(statusesIn(reveal.text).filter((status) => !answered.has(status))).toEqual([]);
    });

    it('predicts the status that was answered, and only in the right prediction', () => {
      const [asked] = /\b[A-Z]+(_[A-Z]+)+\b/.exec(lesson.question) ?? [];
      if (asked === undefined) return; // the question is about something else
      const from = positionOf(run.events, lesson.upTo)!;
      const [answered] = ofType(run.events.slice(from), 'status').filter(({ name }) => name === asked);
      for (const { id, text } of lesson.predictions) {
        const [status] = /^[A-Z_]+\b/.exec(text) ?? [];
        if (status !== undefined && Object.hasOwn(SEV_STATUS, status))
          expect({ id, said: status === answered!.status }).toEqual({ id, said: id === lesson.right });
      }
    });

    it('says which command answered what, and it did', () => {
      for (const text of [...reveal.text, reveal.remedy]) {
        for (const [, command, status] of text.matchAll(/\b([A-Z]+(?:_[A-Z]+)+) answere?[ds] ([A-Z_]+)/g)) {
          const where = reveal.text.includes(text) ? run : playFile(lesson.remedied!);
          expect(positionOf(where.events, { type: 'status', name: command!, status: status! })).toBeDefined();
        }
      }
    });
  },
);

describe.each(EXERCISES.map((exercise) => [exercise.id, exercise] as const))('exercise %s', (_, exercise) => {
  const temporary = mkdtempSync(join(tmpdir(), 'exercise-'));
  const file = join(temporary, 'scenario.yaml');
  afterAll(() => rmSync(temporary, { recursive: true }));
  const load = (text: string): Scenario => {
    writeFileSync(file, text);
    const { scenario, placeOf } = loadScenario(file);
    return validateScenario(scenario, placeOf);
  };

  it('fails as it is given', () => {
    const { passed, events } = play(load(exercise.start), file);
    expect(passed).toBe(false);
    const { solved, unmet } = checkExercise(exercise, { passed, events });
    expect(solved).toBe(false);
    expect(unmet.length).toBeGreaterThan(0);
    expect(statusesIn(exercise.task).filter((status) => !answersOf(events).has(status))).toEqual([]);
  });

  it('passes with its solution', () => {
    for (const { find } of exercise.repairs) expect(exercise.start.split(find)).toHaveLength(2);
    expect(checkExercise(exercise, play(load(solutionOf(exercise)), file))).toEqual({
      solved: true,
      unmet: [],
    });
  });

  it('is not solved by leaving out steps', () => {
    const scenario = load(exercise.start);
    const { length: failing } = runOf(scenario, file).results;
    const cut = { ...scenario, steps: scenario.steps.slice(0, failing - 1) };
    expect(checkExercise(exercise, play(cut, file)).solved).toBe(false);
    const solution = load(solutionOf(exercise));
    const given = new Set(scenario.steps.map((step) => JSON.stringify(step)));
    for (const [i, step] of solution.steps.entries()) {
      // a repaired step may have other repairs; of a check, a condition says the same
      if ('check' in step || !given.has(JSON.stringify(step))) continue;
      const attempt = played({ ...solution, steps: solution.steps.toSpliced(i, 1) }, file);
      if (attempt !== undefined) expect(checkExercise(exercise, attempt)).not.toMatchObject({ solved: true });
    }
  });

  it('has two or three hints', () => {
    expect([2, 3]).toContain(exercise.hints.length);
  });
});

it('no text has an exclamation mark, and ids are one of a kind', () => {
  for (const text of textsOf([TOUR, ATTACK_LESSONS, EXERCISES])) expect(text).not.toContain('!');
  const ids = [...TOUR.stops, ...ATTACK_LESSONS, ...EXERCISES].map(({ id }) => id);
  for (const group of [TOUR.stops, ATTACK_LESSONS, EXERCISES])
    expect(new Set(group.map(({ id }) => id)).size).toBe(group.length);
  expect(ids.every((id) => /^[a-z][a-z-]+$/.test(id))).toBe(true);
});
