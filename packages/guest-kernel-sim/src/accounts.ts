import type { User } from './user.ts';

/** Somebody who may log in. */
export interface Account extends User {
  readonly name: string;
  readonly home: string;
}

export const ROOT_ACCOUNT: Account = { name: 'root', uid: 0, gid: 0, groups: [], home: '/root' };

/**
 * Root, somebody without rights, and somebody whose group may read what is mode 0440; each has a group of his own name.
 * DEVIATION: an ordinary user's home is /tmp.
 */
const ACCOUNTS: readonly Account[] = [
  ROOT_ACCOUNT,
  { name: 'user', uid: 1000, gid: 1000, groups: [], home: '/tmp' },
  { name: 'auditor', uid: 1001, gid: 1001, groups: [0], home: '/tmp' },
];

/** The files that say so, by their paths. Every password is locked, so that nobody but root becomes somebody else. */
export const ACCOUNT_FILES: Readonly<Record<string, string>> = {
  '/etc/passwd': ACCOUNTS.map(
    ({ name, uid, gid, home }) => `${name}:*:${uid}:${gid}::${home}:/bin/bash\n`,
  ).join(''),
  '/etc/group': ACCOUNTS.map(({ name, gid }) => {
    const members = ACCOUNTS.filter(({ groups }) => groups.includes(gid)).map((account) => account.name);
    return `${name}:x:${gid}:${members.join(',')}\n`;
  }).join(''),
};
