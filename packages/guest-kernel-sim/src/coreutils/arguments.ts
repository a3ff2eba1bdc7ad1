import { ProgramExit } from './program.ts';

/** Options and operands of a command line. */
export interface Arguments {
  /** By letter, the last of equal ones, in the order given; a long option counts as its letter. */
  readonly options: ReadonlyMap<string, string>;
  /** All of them, letter and argument. */
  readonly given: readonly (readonly [string, string])[];
  readonly operands: readonly string[];
}

/** What a program takes. */
export interface Grammar {
  /** As for getopt(3): a letter with `:` behind it takes an argument. */
  readonly letters: string;
  /** Long options, and the letters that they stand for. */
  readonly long?: Readonly<Record<string, string>>;
  /** Exit status when it takes something else; 1 unless given. */
  readonly status?: number;
  /** Options end at the first operand. */
  readonly ordered?: boolean;
}

/**
 * getopt_long(3): options may be joined, stand behind operands, and end at `--`; the last of equal options counts.
 * Throws ProgramExit with the message of glibc and the status of the program.
 */
export function parseArguments(
  name: string,
  args: readonly string[],
  { letters, long = {}, status = 1, ordered = false }: Grammar,
): Arguments {
  const refuse = (problem: string): ProgramExit =>
    new ProgramExit(`${name}: ${problem}\n${hint(name)}`, status);
  const options = new Map<string, string>();
  const given: [string, string][] = [];
  const operands: string[] = [];
  const rest = [...args];
  const set = (letter: string, value: string): void => {
    options.delete(letter);
    options.set(letter, value);
    given.push([letter, value]);
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--' || (ordered && (!word.startsWith('-') || word === '-'))) {
      operands.push(...(word === '--' ? [] : [word]), ...rest.splice(0));
    } else if (word.startsWith('--')) {
      const [option = '', value] = word.slice(2).split(/=(.*)/s);
      const letter = Object.hasOwn(long, option) ? long[option] : undefined;
      if (letter === undefined) throw refuse(`unrecognized option '--${option}'`);
      const takes = letters.includes(`${letter}:`);
      if (!takes && value !== undefined) throw refuse(`option '--${option}' doesn't allow an argument`);
      const argument = takes ? (value ?? rest.shift()) : '';
      if (argument === undefined) throw refuse(`option '--${option}' requires an argument`);
      set(letter, argument);
    } else if (word.startsWith('-') && word !== '-') {
      for (let at = 1; at < word.length; at++) {
        const letter = word[at]!;
        const place = letter === ':' ? -1 : letters.indexOf(letter);
        if (place === -1) throw refuse(`invalid option -- '${letter}'`);
        if (letters[place + 1] === ':') {
          const argument = at + 1 < word.length ? word.slice(at + 1) : rest.shift();
          if (argument === undefined) throw refuse(`option requires an argument -- '${letter}'`);
          set(letter, argument);
          break;
        }
        set(letter, '');
      }
    } else {
      operands.push(word);
    }
  }
  return { options, given, operands };
}

const hint = (name: string): string => `Try '${name} --help' for more information.\n`;

/** What a program says that needs more operands, or fewer, and ends with. */
export const misuse = (name: string, problem: string, status = 1): ProgramExit =>
  new ProgramExit(`${name}: ${problem}\n${hint(name)}`, status);
