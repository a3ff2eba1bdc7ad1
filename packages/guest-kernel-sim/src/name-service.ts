import { concat } from '@sevlab/codec/bytes';
import type { Account } from './accounts.ts';
import { errnoOf } from './coreutils/program.ts';
import type { SystemCalls } from './coreutils/system-calls.ts';

type PasswdEntry = Omit<Account, 'groups'>;

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Names and numbers of users and groups, out of /etc/passwd and /etc/group (nss_files of glibc). */
export interface NameService {
  userName(uid: number): string | undefined;
  groupName(gid: number): string | undefined;
  /** By name, or by number where no name is one. */
  findUser(word: string): PasswdEntry | undefined;
  /** A group's number by name or number; undefined for a name that no group has. */
  findGroup(word: string): number | undefined;
  /** The same with the groups that have him for a member. */
  findAccount(word: string): Account | undefined;
}

/** Each file is read once, when it is first needed. Without it nobody has a name. */
export function nameService(sys: SystemCalls): NameService {
  const users = once(() => linesOf(sys, '/etc/passwd').flatMap(passwdEntry));
  const groups = once(() => linesOf(sys, '/etc/group').flatMap(groupEntry));
  const findUser = (word: string): PasswdEntry | undefined =>
    users().find(({ name }) => name === word) ?? users().find(({ uid }) => `${uid}` === word);
  return {
    userName: (uid) => users().find((user) => user.uid === uid)?.name,
    groupName: (gid) => groups().find((group) => group.gid === gid)?.name,
    findUser,
    findGroup: (word) => groups().find(({ name }) => name === word)?.gid ?? idOf(word),
    findAccount(word) {
      const user = findUser(word);
      if (user === undefined) return undefined;
      const memberships = groups().filter(({ members }) => members.includes(user.name));
      return { ...user, groups: memberships.map(({ gid }) => gid) };
    },
  };
}

/** The number that a word is; 2^32 - 1 would mean that nothing changes. */
export const idOf = (word: string): number | undefined =>
  /^\d+$/.test(word) && Number(word) < 0xffff_ffff ? Number(word) : undefined;

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Bytes asked for at a time. */
const READ_SIZE = 4096;

function linesOf(sys: SystemCalls, path: string): string[] {
  const parts: Uint8Array[] = [];
  errnoOf(() => {
    const fd = sys.open(path);
    try {
      for (let part = sys.read(fd, READ_SIZE); part.length > 0; part = sys.read(fd, READ_SIZE))
        parts.push(part);
    } finally {
      sys.close(fd);
    }
  });
  return new TextDecoder().decode(concat(...parts)).split('\n');
}

/** passwd(5): a line of another form is nobody's. */
function passwdEntry(line: string): PasswdEntry[] {
  const [, name, uid, gid, home] = /^([^:]+):[^:]*:(\d+):(\d+):[^:]*:([^:]*)/.exec(line) ?? [];
  return name === undefined || home === undefined ? [] : [{ name, uid: Number(uid), gid: Number(gid), home }];
}

/** group(5) */
function groupEntry(line: string): GroupEntry[] {
  const [, name, gid, members] = /^([^:]+):[^:]*:(\d+):(.*)$/.exec(line) ?? [];
  if (name === undefined || members === undefined) return [];
  return [{ name, gid: Number(gid), members: members.split(',').filter((member) => member !== '') }];
}
