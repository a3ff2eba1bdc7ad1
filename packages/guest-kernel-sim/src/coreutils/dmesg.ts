import { type Command, isResult, parseArguments } from './command.ts';

/** dmesg(1), util-linux 2.38.1, without options. */
export const dmesg: Command = ({ kernel, args }) => {
  const parsed = parseArguments('dmesg', args, '');
  if (isResult(parsed)) return parsed;
  const lines = kernel.dmesg().map((line) => `${line}\n`);
  return { output: lines.join(''), status: 0 };
};
