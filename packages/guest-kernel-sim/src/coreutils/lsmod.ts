import { moduleUsers } from '../modules.ts';
import type { Command } from './command.ts';

/** lsmod(8), kmod 30. */
export const lsmod: Command = ({ kernel }) => {
  const { modules, profile } = kernel.state;
  const lines = [...modules.keys()].map((name) => {
    return `${name.padEnd(19)} ${`${profile.moduleSize}`.padStart(8)}  ${moduleUsers(kernel, name)}\n`;
  });
  return { output: `Module                  Size  Used by\n${lines.join('')}`, status: 0 };
};
