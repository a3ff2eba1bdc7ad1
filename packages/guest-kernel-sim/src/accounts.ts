import type { User } from './user.ts';

/** A line of /etc/passwd, with the supplementary groups that /etc/group gives. */
export interface Account extends User {
  readonly name: string;
  readonly home: string;
}

/**
 * Who may log in: root, somebody without rights, and somebody whose group may read what is mode 0440. DEVIATION: an
 * ordinary user's home is /tmp.
 */
export const ACCOUNTS: readonly Account[] = [
  { name: 'root', uid: 0, gid: 0, groups: [], home: '/root' },
  { name: 'user', uid: 1000, gid: 1000, groups: [], home: '/tmp' },
  { name: 'auditor', uid: 1001, gid: 1001, groups: [0], home: '/tmp' },
];

/** Each account has a group of its own name. */
const GROUPS: ReadonlyMap<number, string> = new Map(ACCOUNTS.map(({ name, gid }) => [gid, name]));

export const groupName = (gid: number): string | undefined => GROUPS.get(gid);

export const userName = (uid: number): string | undefined =>
  ACCOUNTS.find((account) => account.uid === uid)?.name;

/** By name, or by number as chown(1) takes it. */
export const findAccount = (word: string): Account | undefined =>
  ACCOUNTS.find(({ name, uid }) => name === word || `${uid}` === word);

/** A group's number by name or number; undefined for a name that no group has. */
export const findGroup = (word: string): number | undefined =>
  /^\d+$/.test(word) ? Number(word) : [...GROUPS].find(([, name]) => name === word)?.[0];

/** /etc/passwd; every password is locked, so that nobody but root becomes somebody else. */
export const formatPasswd = (): string =>
  ACCOUNTS.map(({ name, uid, gid, home }) => `${name}:*:${uid}:${gid}::${home}:/bin/bash\n`).join('');

/** /etc/group */
export const formatGroup = (): string =>
  [...GROUPS]
    .map(([gid, name]) => {
      const members = ACCOUNTS.filter(({ groups }) => groups.includes(gid)).map((account) => account.name);
      return `${name}:x:${gid}:${members.join(',')}\n`;
    })
    .join('');
