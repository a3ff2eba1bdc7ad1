import type { Arbitrary, Random } from 'fast-check';
import type { Scenario } from '../scenario/scenario.ts';
import { edgesOf, randomOf } from './random.ts';

/** One input of a door, and those that are smaller. */
export interface Trial {
  /** Plain data: numbers, text, bytes, lists and records. */
  readonly input: unknown;
  /** What came of it, in a word or two. Throws whatever a fault throws, Broken for a property that does not hold. */
  readonly run: () => string;
  readonly smaller: () => Iterable<Trial>;
  /** The same as a scenario, where a scenario can say it. */
  readonly scenario?: () => Scenario;
}

/** A door that is ready: its bases are launched. */
export interface OpenDoor {
  /** The case of that campaign and index. */
  readonly trial: (seed: string, index: number) => Trial;
}

/** A place where somebody else's bytes or words come in. */
export interface Door {
  readonly name: string;
  /** What comes in, and what must hold. */
  readonly about: string;
  /** How many cases of a campaign are this door's, beside the shares of others. */
  readonly share: number;
  /** Cases that a worker does at a time. */
  readonly chunk: number;
  /** What a case takes, roughly; only for the time that is left. Microseconds. */
  readonly cost: number;
  readonly open: () => OpenDoor;
}

/** A property does not hold. */
export class Broken extends Error {
  constructor(property: string, detail?: string) {
    super(detail === undefined ? property : `${property}: ${detail}`);
    this.name = 'Broken';
    this.property = property;
  }

  readonly property: string;
}

/** Throws Broken unless the property holds. */
export function holds(condition: boolean, property: string, detail?: () => string): asserts condition {
  if (!condition) throw new Broken(property, detail?.());
}

/** How inputs are made and made smaller. */
export interface Inputs<Input> {
  readonly draw: (random: Random, edges: number) => Input;
  readonly smaller: (input: Input) => Iterable<Input>;
}

interface Description<Input> extends Omit<Door, 'open'> {
  readonly start: () => (input: Input) => string;
  readonly scenario?: (input: Input) => Scenario;
}

/** A door whose inputs fast-check draws and shrinks. `inputs` is called when the door opens. */
export function arbitraryDoor<Input>(
  description: Description<Input> & { readonly inputs: () => Arbitrary<Input> },
): Door {
  const { inputs, start, scenario, ...rest } = description;
  return {
    ...rest,
    open: () => {
      const arbitrary = inputs();
      const run = start();
      const trialOf = (input: Input, context: unknown): Trial => ({
        input,
        run: () => run(input),
        smaller: function* () {
          for (const { value, context: next } of arbitrary.shrink(input, context)) yield trialOf(value, next);
        },
        ...(scenario && { scenario: () => scenario(input) }),
      });
      return {
        trial: (seed, index) => {
          const drawn = arbitrary.generate(randomOf(seed, rest.name, index), edgesOf(index));
          return trialOf(drawn.value, drawn.context);
        },
      };
    },
  };
}

/** A door whose inputs are drawn and made smaller in a way of its own. */
export function ownDoor<Input>(description: Description<Input> & { readonly inputs: Inputs<Input> }): Door {
  const { inputs, start, scenario, ...rest } = description;
  return {
    ...rest,
    open: () => {
      const run = start();
      const trialOf = (input: Input): Trial => ({
        input,
        run: () => run(input),
        smaller: function* () {
          for (const less of inputs.smaller(input)) yield trialOf(less);
        },
        ...(scenario && { scenario: () => scenario(input) }),
      });
      return {
        trial: (seed, index) => trialOf(inputs.draw(randomOf(seed, rest.name, index), edgesOf(index))),
      };
    },
  };
}
