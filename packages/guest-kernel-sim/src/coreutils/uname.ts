import { misuse, parseArguments } from './arguments.ts';
import { type Program, print } from './program.ts';
import { quote } from './quote.ts';

/** The order in which uname prints. */
const LETTERS = ['s', 'n', 'r', 'v', 'm', 'o'] as const;

/** The host name of every guest. */
export const NODE_NAME = 'guest';

/** uname(1), coreutils 9.1: -a, -s, -n, -r, -v, -m, -o. NOT MODELLED: the build that -v tells. */
export const uname: Program = function* (process) {
  const { options, operands } = parseArguments('uname', process.args, { letters: 'asnrvmo' });
  if (operands[0] !== undefined) throw misuse('uname', `extra operand ${quote(operands[0])}`);
  const { release } = process.kernel.state.profile;
  const values = { s: 'Linux', n: NODE_NAME, r: release, v: '#1 SMP', m: 'x86_64', o: 'GNU/Linux' };
  const shown = LETTERS.filter((letter) => options.has('a') || options.has(letter));
  yield* print(
    process,
    `${(shown.length > 0 ? shown : (['s'] as const)).map((letter) => values[letter]).join(' ')}\n`,
  );
  return 0;
};
