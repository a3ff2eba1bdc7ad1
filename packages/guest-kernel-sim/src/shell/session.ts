import { type Account, ROOT_ACCOUNT } from '../accounts.ts';
import { joinPath } from '../coreutils/system-calls.ts';

/**
 * What a shell keeps from one command to the next, as plain data: a copy of it is another shell with the same past. A
 * command that runs is not part of it, so sessions are copied between commands.
 */
export interface Session {
  /** Who types, the last one; `su` adds one, `exit` takes one away. */
  readonly logins: Login[];
  /** Exit status of the last command, `$?`. */
  status: number;
  /** Exit status of the whole session, once its first login is over. */
  ended: number | undefined;
}

export interface Login {
  readonly account: Account;
  /** Absolute. NOT MODELLED: that a directory which is removed stays that of who is in it. */
  cwd: string;
  /** Where `cd -` goes. */
  previous: string | undefined;
  /** Lines typed, oldest first. */
  readonly history: string[];
}

/** Lines that history keeps (HISTSIZE of bash). */
const HISTORY_MAX = 500;

/** A new session of an account, in its home directory; root's unless given. */
export const createSession = (account: Account = ROOT_ACCOUNT): Session => ({
  logins: [createLogin(account, account.home)],
  status: 0,
  ended: undefined,
});

export const createLogin = (account: Account, cwd: string): Login => ({
  account,
  cwd,
  previous: undefined,
  history: [],
});

/** Who types now. */
export function currentLogin({ logins }: Session): Login {
  const login = logins.at(-1);
  if (login === undefined) throw new Error('a session has a login for as long as it exists');
  return login;
}

/** What stands in front of a line that is typed. */
export const promptOf = (session: Session): string => (currentLogin(session).account.uid === 0 ? '# ' : '$ ');

/** Ends a login; the session ends with its first one. */
export function endLogin(session: Session, status: number): void {
  session.status = status;
  if (session.logins.length > 1) session.logins.pop();
  else session.ended = status;
}

/** Blank lines are forgotten. */
export function remember(session: Session, line: string): void {
  if (line.trim() === '') return;
  const { history } = currentLogin(session);
  history.push(line);
  if (history.length > HISTORY_MAX) history.shift();
}

/** Where `path` leads from the current directory, without `.` and `..`, as bash keeps PWD. */
export function logicalPath({ cwd }: Login, path: string): string {
  const names: string[] = [];
  for (const name of joinPath(cwd, path).split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}
