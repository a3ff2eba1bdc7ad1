import { type Program, print } from './program.ts';

/** The shell's echo, with -n. */
export const echo: Program = function* (process) {
  const { args } = process;
  const bare = args[0] === '-n';
  yield* print(process, args.slice(bare ? 1 : 0).join(' ') + (bare ? '' : '\n'));
  return 0;
};
