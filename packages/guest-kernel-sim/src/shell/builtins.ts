import { parseArguments } from '../coreutils/arguments.ts';
import { echo } from '../coreutils/echo.ts';
import { complain, errnoOf, type Process, print, type Run, strerror } from '../coreutils/program.ts';
import { nameService } from '../name-service.ts';
import { isDirectory, MAY_EXEC } from '../user.ts';
import { PROGRAMS } from './programs.ts';
import { runLine, type Shell } from './run-line.ts';
import { createLogin, currentLogin, endLogin, logicalPath } from './session.ts';

/** What the shell does itself, since it changes or shows what the shell keeps. */
export type Builtin = (process: Process, shell: Shell) => Run<number>;

/** cd of bash 5.2. NOT MODELLED: CDPATH, -P. */
const cd: Builtin = function* (process, { session }) {
  const login = currentLogin(session);
  const [operand, ...others] = process.args.filter((arg) => arg !== '--');
  const fail = (reason: string): number => {
    complain(process, `bash: cd: ${reason}\n`);
    return 1;
  };
  if (others.length > 0) return fail('too many arguments');
  if (operand === '-' && login.previous === undefined) return fail('OLDPWD not set');
  const path = operand === '-' ? (login.previous ?? '/') : (operand ?? login.account.home);
  if (path === '') return 0;
  const next = logicalPath(login, path);
  const { sys } = process;
  let directory = false;
  const error = errnoOf(() => {
    directory = isDirectory(sys.stat(next === '/' ? '/' : `${next}/`));
    sys.access(`${next === '/' ? '' : next}/.`, MAY_EXEC);
  });
  if (error !== undefined) return fail(`${path}: ${strerror(error)}`);
  if (!directory) return fail(`${path}: ${strerror('ENOTDIR')}`);
  login.previous = login.cwd;
  login.cwd = next;
  if (operand === '-') yield* print(process, `${next}\n`);
  return 0;
};

const pwd: Builtin = function* (process, { session }) {
  yield* print(process, `${currentLogin(session).cwd}\n`);
  return 0;
};

/** history of bash 5.2: a count, and -c. */
const history: Builtin = function* (process, { session }) {
  const { history: lines } = currentLogin(session);
  const [operand] = process.args;
  if (operand === '-c') {
    lines.length = 0;
    return 0;
  }
  if (operand !== undefined && !/^\d+$/.test(operand)) {
    complain(process, `bash: history: ${operand}: numeric argument required\n`);
    return 1;
  }
  const count = operand === undefined ? lines.length : Number(operand);
  const first = Math.max(0, lines.length - count);
  for (const [i, line] of lines.slice(first).entries())
    yield* print(process, `${`${first + i + 1}`.padStart(5)}  ${line}\n`);
  return 0;
};

/** exit of bash 5.2: ends what the last `su` started, or the session. */
// biome-ignore lint/correctness/useYield: it has nothing to print
const exit: Builtin = function* (process, { session, interactive }) {
  const [operand, ...others] = process.args;
  if (interactive) complain(process, 'exit\n');
  if (operand !== undefined && !/^[+-]?\d+$/.test(operand)) {
    complain(process, `bash: exit: ${operand}: numeric argument required\n`);
    endLogin(session, 2);
    return 2;
  }
  if (others.length > 0) {
    complain(process, 'bash: exit: too many arguments\n');
    return 1;
  }
  const status = operand === undefined ? session.status : Number(BigInt.asUintN(8, BigInt(operand)));
  endLogin(session, status);
  return status;
};

/**
 * su(1), util-linux 2.38.1: `su [-] [USER]` starts a shell, which `exit` ends; `-c COMMAND` runs one command line.
 * DEVIATION: a user may be given by number. Every password is locked, so nobody but root is let through, and nobody is
 * asked for one. A shell starts on a line of its own, since the rest of a line would wait for its end.
 */
const su: Builtin = function* (process, shell) {
  const login = process.args.some((arg) => arg === '-');
  const { options, operands } = parseArguments(
    'su',
    process.args.filter((arg) => arg !== '-'),
    { letters: 'lc:', long: { login: 'l', command: 'c' } },
  );
  const fail = (message: string, status = 1): number => {
    complain(process, message);
    return status;
  };
  const name = operands[0] ?? 'root';
  const account = nameService(process.sys).findAccount(name);
  if (account === undefined)
    return fail(
      `su: user ${name} does not exist or the user entry does not contain all the required fields\n`,
    );
  if (process.sys.user.uid !== 0) return fail('su: Authentication failure\n');
  const { cwd } = currentLogin(shell.session);
  const next = createLogin(account, login || options.has('l') ? account.home : cwd);
  const command = options.get('c');
  if (command !== undefined) {
    const session = { logins: [next], status: 0, ended: undefined };
    const { stdin, stdout, stderr } = process;
    return yield* runLine({ ...shell, session, stdin, stdout, stderr, interactive: false }, command);
  }
  if (!shell.alone) return fail('sevlab: su: type it on a line of its own, or give it -c COMMAND\n', 2);
  shell.session.logins.push(next);
  return 0;
};

const help: Builtin = function* (process) {
  const subjects = new Map<string, string[]>();
  for (const [name, { subject }] of Object.entries(PROGRAMS))
    subjects.set(subject, [...(subjects.get(subject) ?? []), name]);
  subjects.set('shell', Object.keys(BUILTINS));
  const lines = [...subjects].map(
    ([subject, names]) => `  ${subject.padEnd(7)} ${names.toSorted().join(' ')}\n`,
  );
  yield* print(
    process,
    `Commands of this guest:
${lines.join('')}NAME --help tells the options of one.
The shell knows: a | b    a ; b    a && b    a || b    < FILE    > FILE    >> FILE
  2> FILE    2>&1    * and ? in names    ~    $?    'text' "text" \\c    # comment
Keys: arrows, Home, End, ^A ^E ^B ^F move; ^U ^K ^W cut, ^Y pastes; ^L clears;
  ^C gives up, ^D on an empty line ends. Users: root, user, auditor (group root); su USER.
`,
  );
  return 0;
};

/** A builtin that only answers a status. */
const ends = (status: number): Builtin =>
  // biome-ignore lint/correctness/useYield: it has nothing to print
  function* () {
    return status;
  };

export const BUILTINS: Readonly<Record<string, Builtin>> = {
  ':': ends(0),
  cd,
  echo,
  exit,
  false: ends(1),
  help,
  history,
  logout: exit,
  pwd,
  su,
  true: ends(0),
};
