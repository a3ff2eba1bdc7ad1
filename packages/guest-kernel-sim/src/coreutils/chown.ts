import { idOf, type NameService, nameService } from '../name-service.ts';
import { isDirectory } from '../user.ts';
import { misuse, parseArguments } from './arguments.ts';
import { errnoOf, type Process, type Program, ProgramExit, strerror, warn } from './program.ts';
import { quote } from './quote.ts';
import { type FileStatus, joinPath } from './system-calls.ts';

/** What changes; undefined for what stays. */
interface Owners {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** chown(1) and chgrp(1), coreutils 9.1: -R; OWNER, OWNER:GROUP, OWNER:, :GROUP. */
// biome-ignore lint/correctness/useYield: it has nothing to print
export const chown: Program = function* (process) {
  const { name, args } = process;
  const { options, operands } = parseArguments(name, args, { letters: 'R', long: { recursive: 'R' } });
  const [word, ...files] = operands;
  if (word === undefined) throw misuse(name, 'missing operand');
  if (files.length === 0) throw misuse(name, `missing operand after ${quote(word)}`);
  const owners = parseOwners(name, word, nameService(process.sys));
  let status = 0;
  for (const path of files) if (!change(process, path, owners, options.has('R'))) status = 1;
  return status;
};

/** Throws ProgramExit for a name that nobody has. */
function parseOwners(program: string, word: string, service: NameService): Owners {
  const refuse = (what: string): ProgramExit =>
    new ProgramExit(`${program}: invalid ${what}: ${quote(word)}\n`, 1);
  const groupOf = (text: string): number => {
    const gid = service.findGroup(text);
    if (gid === undefined) throw refuse('group');
    return gid;
  };
  if (program === 'chgrp') return { uid: undefined, gid: groupOf(word) };
  const [owner = '', group] = word.split(/:(.*)/s);
  const account = owner === '' ? undefined : service.findUser(owner);
  const uid = owner === '' ? undefined : (account?.uid ?? idOf(owner));
  if (owner !== '' && uid === undefined) throw refuse('user');
  if (group === undefined) return { uid, gid: undefined };
  if (group !== '') return { uid, gid: groupOf(group) };
  if (owner !== '' && account?.name !== owner) throw refuse('spec'); // a number has no login group
  return { uid, gid: account?.gid };
}

function change(process: Process, path: string, owners: Owners, recursive: boolean): boolean {
  const { sys } = process;
  let stat: FileStatus | undefined;
  const missing = errnoOf(() => {
    stat = sys.stat(path);
  });
  if (stat === undefined) {
    warn(process, `cannot access ${quote(path)}: ${strerror(missing ?? 'ENOENT')}`);
    return false;
  }
  const { uid, gid, mode } = stat;
  let whole = true;
  if (recursive && isDirectory({ mode })) {
    let names: string[] = [];
    const unreadable = errnoOf(() => {
      names = sys.readdir(path).map(({ name }) => name);
    });
    if (unreadable !== undefined) {
      warn(process, `cannot read directory ${quote(path)}: ${strerror(unreadable)}`);
      whole = false;
    }
    for (const name of names) {
      if (name !== '.' && name !== '..')
        whole = change(process, joinPath(path, name), owners, recursive) && whole;
    }
  }
  const error = errnoOf(() => sys.chown(path, owners.uid ?? uid, owners.gid ?? gid));
  if (error === undefined) return whole;
  const what = owners.uid === undefined ? 'group' : 'ownership';
  warn(process, `changing ${what} of ${quote(path)}: ${strerror(error)}`);
  return false;
}
