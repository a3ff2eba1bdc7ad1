import { command, NO_BUFFER, plain } from '../command.ts';

/** 55766, NOP. */
export const NOP = command({
  buffer: NO_BUFFER,
  transfer: 'none',
  open: plain,
  preconditions: [],
  effect: () => 'SUCCESS',
});
