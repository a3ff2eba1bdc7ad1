import type { Command } from './command.ts';

/** The shell's echo, with -n. */
export const echo: Command = ({ args }) => {
  const bare = args[0] === '-n';
  return { output: args.slice(bare ? 1 : 0).join(' ') + (bare ? '' : '\n'), status: 0 };
};
