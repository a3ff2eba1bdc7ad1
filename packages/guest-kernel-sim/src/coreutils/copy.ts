import { O_CREAT, O_EXCL, O_TRUNC, O_WRONLY } from '../open-flags.ts';
import { UMASK } from './file-mode.ts';
import { leadsToDirectory, lookAt } from './look.ts';
import { eachPart, errnoOf, type Process, ProgramExit, type Run, strerror, warn } from './program.ts';
import { quote } from './quote.ts';
import { WriteError, writeTo } from './streams.ts';
import { type FileStatus, joinPath } from './system-calls.ts';

export const isSameFile = (a: FileStatus, b: FileStatus): boolean =>
  a.ino === b.ino && `${a.device}` === `${b.device}`;

/** A source, and what is at its target; undefined, and told, where there is none or both are one file. */
export function sourceAndTarget(
  process: Process,
  from: string,
  to: string,
): { readonly source: FileStatus; readonly target: FileStatus | undefined } | undefined {
  const missing = errnoOf(() => process.sys.stat(from));
  const source = lookAt(process.sys, from);
  if (source === undefined) {
    warn(process, `cannot stat ${quote(from)}: ${strerror(missing ?? 'ENOENT')}`);
    return undefined;
  }
  const target = lookAt(process.sys, to);
  if (target === undefined || !isSameFile(source, target)) return { source, target };
  warn(process, `${quote(from)} and ${quote(to)} are the same file`);
  return undefined;
}

/**
 * Sources and where each goes: into a directory, or one file to one name. Throws ProgramExit when there are more
 * sources and no directory.
 */
export function destinations(
  process: Process,
  operands: readonly string[],
): { readonly from: string; readonly to: string }[] {
  const target = operands.at(-1) ?? '';
  const sources = operands.slice(0, -1);
  if (leadsToDirectory(process.sys, target))
    return sources.map((from) => ({ from, to: joinPath(target, baseName(from)) }));
  if (sources.length === 1) return [{ from: sources[0]!, to: target }];
  const reason = strerror(errnoOf(() => process.sys.stat(target)) ?? 'ENOTDIR');
  throw new ProgramExit(`${process.name}: target ${quote(target)}: ${reason}\n`, 1);
}

const baseName = (path: string): string => /([^/]*)\/*$/.exec(path)?.[1] ?? '';

/**
 * Copies the content of a file, as cp(1) of coreutils 9.1; a new file gets the source's permissions without
 * those of the umask and set-ID bits, unless it keeps them all.
 * False after a message.
 */
export function* copyFile(
  process: Process,
  from: string,
  to: string,
  { keepMode = false }: { readonly keepMode?: boolean } = {},
): Run<boolean> {
  const { sys } = process;
  const tell = (message: string): false => {
    warn(process, message);
    return false;
  };
  const source = lookAt(process.sys, from);
  const unreadable = errnoOf(() => sys.close(sys.open(from)));
  if (unreadable !== undefined)
    return tell(`cannot open ${quote(from)} for reading: ${strerror(unreadable)}`);
  const isNew = lookAt(process.sys, to) === undefined;
  let fd = -1;
  const refused = errnoOf(() => {
    fd = sys.open(to, O_WRONLY | (isNew ? O_CREAT | O_EXCL : O_TRUNC));
  });
  if (refused !== undefined) {
    const reason = refused === 'EISDIR' && to.endsWith('/') ? 'ENOTDIR' : refused; // what a slash asks for is not there
    return tell(`cannot create regular file ${quote(to)}: ${strerror(reason)}`);
  }
  try {
    const output = writeTo(sys, fd);
    const error = yield* eachPart(process, from, function* (part) {
      output.write(part);
      yield 'page';
    });
    if (error !== undefined) return tell(`error reading ${quote(from)}: ${strerror(error)}`);
  } catch (error) {
    if (error instanceof WriteError) return tell(`error writing ${quote(to)}: ${strerror(error.code)}`);
    throw error;
  } finally {
    sys.close(fd);
  }
  if (isNew && source !== undefined) sys.chmod(to, source.mode & (keepMode ? 0o7777 : 0o777 & ~UMASK));
  return true;
}
