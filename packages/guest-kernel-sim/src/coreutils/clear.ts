import { type Program, print } from './program.ts';

/** clear(1), ncurses 6.4, TERM=xterm: home, erase the display, erase what scrolled out of it. */
export const clear: Program = function* (process) {
  yield* print(process, '\x1b[H\x1b[2J\x1b[3J');
  return 0;
};
