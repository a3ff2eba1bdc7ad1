import { errnoOf, type Program, ProgramExit, strerror } from './program.ts';

/** insmod(8), kmod 30. No file of this guest is a module, so it fails; modprobe loads by name. */
export const insmod: Program = function* ({ sys, args }) {
  const [file] = args;
  if (file === undefined) throw new ProgramExit('insmod: ERROR: missing filename.\n', 1);
  const error = errnoOf(() => sys.close(sys.open(file)));
  if (error !== undefined)
    throw new ProgramExit(`insmod: ERROR: could not load module ${file}: ${strerror(error)}\n`, 1);
  throw new ProgramExit(`insmod: ERROR: could not insert module ${file}: Invalid module format\n`, 1);
};
