import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SEV_STATUS } from '@sevlab/codec/sev/status';
import { loadScenario } from '@sevlab/lab/scenario/load';
import { runScenario } from '@sevlab/lab/scenario/run';
import type { Scenario } from '@sevlab/lab/scenario/scenario';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { validateScenario } from '@sevlab/lab/scenario/validate';
import type { AnyEvent } from '@sevlab/story/event';
import { journeyOf } from '@sevlab/story/journey';
import { ATTACK_LESSONS } from '@sevlab/story/lessons/attacks';
import { contradictions, UNNOTICED } from '@sevlab/story/lessons/claim';
import { checkExercise, solutionOf } from '@sevlab/story/lessons/exercise';
import { EXERCISES } from '@sevlab/story/lessons/exercises';
import type { Look } from '@sevlab/story/lessons/look';
import { TOUR } from '@sevlab/story/lessons/tour';
import { positionOf, type Selector, stepOf } from '@sevlab/story/selector';
import { type Step, stepsOf } from '@sevlab/story/steps';
import { Structures } from '@sevlab/story/structures';
import { afterAll, describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../packages/lab/scenarios', import.meta.url));
const fileOf = (id: string): string => join(folder, `${id}.yaml`);

interface Played {
  readonly passed: boolean;
  readonly steps: readonly Step[];
  readonly events: readonly AnyEvent[];
}

function play(scenario: Scenario, file: string): Played {
  const { setup, secrets } = setupOf(scenario, file, { record: true });
  const { pipeline, passed } = runScenario(scenario, file, setup, secrets);
  const { events } = pipeline.observer;
  return { passed, events, steps: stepsOf(events) };
}

const played = new Map<string, Played>();
function playFile(id: string): Played {
  let run = played.get(id);
  if (run === undefined) {
    run = play(loadScenario(fileOf(id)).scenario, fileOf(id));
    played.set(id, run);
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
    default:
      return true;
  }
}

const sentencesIn = (text: readonly string[]): number => text.join(' ').split(/[.?](?= |$)/).length - 1;

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
      if (lesson.remedied !== undefined) expect(existsSync(fileOf(lesson.remedied))).toBe(true);
    });

    it('asks before the run shows it', () => {
      const asked = positionOf(run.events, lesson.upTo);
      const shown = positionOf(run.events, reveal.at);
      expect(asked).toBeDefined();
      expect(shown).toBeGreaterThanOrEqual(asked!);
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

    it('would not say it of another run', () => {
      expect(contradictions(playFile('kernel-documentation').events, reveal.claim)).not.toEqual([]);
    });

    it('names no status that the AMD-SP did not answer', () => {
      const answered = new Set(run.events.map((event) => (event.type === 'status' ? event.status : '')));
      const named = reveal.text.flatMap((text) => text.match(/\b[A-Z]+(_[A-Z]+)*\b/g) ?? []);
      const statuses = named.filter((word) => Object.hasOwn(SEV_STATUS, word));
      expect(statuses.filter((status) => !answered.has(status))).toEqual([]);
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
  });

  it('passes with its solution', () => {
    for (const { find } of exercise.repairs) expect(exercise.start.split(find)).toHaveLength(2);
    expect(checkExercise(exercise, play(load(solutionOf(exercise)), file))).toEqual({
      solved: true,
      unmet: [],
    });
  });

  it('is not solved by leaving out what fails, nor by expecting nothing', () => {
    const scenario = load(exercise.start);
    const without = scenario.steps.map((_, i) => ({ ...scenario, steps: scenario.steps.slice(0, i) }));
    const solutions = load(solutionOf(exercise));
    const left = solutions.steps.map((_, i) => ({ ...scenario, steps: scenario.steps.toSpliced(i, 1) }));
    for (const attempt of [...without, ...left]) {
      let run: Played;
      try {
        run = play(attempt, file);
      } catch {
        continue; // a scenario that asks for what cannot be is no solution
      }
      expect(checkExercise(exercise, run).solved).toBe(false);
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
