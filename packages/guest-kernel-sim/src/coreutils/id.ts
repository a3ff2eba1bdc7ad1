import { type NameService, nameService } from '../name-service.ts';
import type { User } from '../user.ts';
import { misuse, parseArguments } from './arguments.ts';
import { type Program, ProgramExit, print, warn } from './program.ts';
import { quote } from './quote.ts';

/** id(1), coreutils 9.1: -u, -g, -G, -n, and accounts by name. */
export const id: Program = function* (process) {
  const { options, operands } = parseArguments('id', process.args, {
    letters: 'ugGn',
    long: { user: 'u', group: 'g', groups: 'G', name: 'n' },
  });
  const [what, second] = ['u', 'g', 'G'].filter((letter) => options.has(letter));
  const names = options.has('n');
  if (second !== undefined) throw new ProgramExit('id: cannot print "only" of more than one choice\n', 1);
  if (names && what === undefined)
    throw new ProgramExit('id: cannot print only names or real IDs in default format\n', 1);
  const service = nameService(process.sys);
  let status = 0;
  for (const name of operands.length > 0 ? operands : [undefined]) {
    const user = name === undefined ? process.sys.user : service.findAccount(name);
    if (user !== undefined) {
      yield* print(
        process,
        `${what === undefined ? everything(user, service) : one(user, what, names ? service : undefined)}\n`,
      );
      continue;
    }
    warn(process, `${quote(name ?? '')}: no such user`);
    status = 1;
  }
  return status;
};

const groupsOf = ({ gid, groups }: User): number[] => [...new Set([gid, ...groups])];

const named = (number: number, name: string | undefined): string =>
  name === undefined ? `${number}` : `${number}(${name})`;

function everything(user: User, { userName, groupName }: NameService): string {
  const groups = groupsOf(user).map((gid) => named(gid, groupName(gid)));
  return `uid=${named(user.uid, userName(user.uid))} gid=${named(user.gid, groupName(user.gid))} groups=${groups.join(',')}`;
}

/** Numbers without a `service`. */
function one(user: User, what: string, service: NameService | undefined): string {
  if (what === 'u') return service?.userName(user.uid) ?? `${user.uid}`;
  const groups = what === 'g' ? [user.gid] : groupsOf(user);
  return groups.map((gid) => service?.groupName(gid) ?? `${gid}`).join(' ');
}

/** whoami(1), coreutils 9.1. */
export const whoami: Program = function* (process) {
  const [operand] = process.args;
  if (operand !== undefined) throw misuse('whoami', `extra operand ${quote(operand)}`);
  const { uid } = process.sys.user;
  const name = nameService(process.sys).userName(uid);
  if (name === undefined) throw new ProgramExit(`whoami: cannot find name for user ID ${uid}\n`, 1);
  yield* print(process, `${name}\n`);
  return 0;
};
