import { isDirectory, MAY_WRITE } from '../user.ts';
import { misuse, parseArguments } from './arguments.ts';
import { ask } from './ask.ts';
import { copyFile, destinations, sourceAndTarget } from './copy.ts';
import { permissionsText } from './mode-text.ts';
import { errnoOf, type Process, type Program, type Run, strerror, warn } from './program.ts';
import { quote } from './quote.ts';

/** mv(1), coreutils 9.1: -f. Between file systems it copies a file and deletes the original. */
export const mv: Program = function* (process) {
  const { options, operands } = parseArguments('mv', process.args, { letters: 'f', long: { force: 'f' } });
  if (operands.length === 0) throw misuse('mv', 'missing file operand');
  if (operands.length === 1)
    throw misuse('mv', `missing destination file operand after ${quote(operands[0]!)}`);
  const pairs = destinations(process, operands);
  let status = 0;
  for (const { from, to } of pairs) if (!(yield* move(process, from, to, options.has('f')))) status = 1;
  return status;
};

function* move(process: Process, from: string, to: string, force: boolean): Run<boolean> {
  const { sys, stdin } = process;
  const tell = (message: string): false => {
    warn(process, message);
    return false;
  };
  const files = sourceAndTarget(process, from, to);
  if (files === undefined) return false;
  const { source, target } = files;
  if (
    target !== undefined &&
    !force &&
    stdin.terminal &&
    errnoOf(() => sys.access(to, MAY_WRITE)) === 'EACCES'
  ) {
    const mode = target.mode & 0o7777;
    const overriding = `${mode.toString(8).padStart(4, '0')} (${permissionsText(mode)})`;
    if (!(yield* ask(process, `replace ${quote(to)}, overriding mode ${overriding}? `))) return true;
  }
  const error = errnoOf(() => sys.rename(from, to));
  if (error === undefined) return true;
  if (error === 'EINVAL') return tell(`cannot move ${quote(from)} to a subdirectory of itself, ${quote(to)}`);
  if (error !== 'EXDEV') return tell(`cannot move ${quote(from)} to ${quote(to)}: ${strerror(error)}`);

  if (isDirectory(source)) return tell(`this one moves no directory between file systems: ${quote(from)}`);
  if (target !== undefined) {
    const stays = errnoOf(() => sys.unlink(to));
    if (stays !== undefined) {
      const what = `inter-device move failed: ${quote(from)} to ${quote(to)}; unable to remove target`;
      return tell(`${what}: ${strerror(stays)}`);
    }
  }
  if (!(yield* copyFile(process, from, to, { keepMode: true }))) return false;
  const kept = errnoOf(() => sys.unlink(from));
  return kept === undefined || tell(`cannot remove ${quote(from)}: ${strerror(kept)}`);
}
