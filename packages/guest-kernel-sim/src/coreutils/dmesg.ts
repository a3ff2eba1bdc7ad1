import type { Command } from './command.ts';

/** dmesg(1), util-linux 2.38.1, without options. */
export const dmesg: Command = ({ kernel }) => ({
  output: kernel
    .dmesg()
    .map((line) => `${line}\n`)
    .join(''),
  status: 0,
});
