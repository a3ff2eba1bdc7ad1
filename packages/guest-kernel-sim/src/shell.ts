import { utf8 } from '@sevlab/codec/bytes';
import { decryptFile } from './apps/decrypt-file.ts';
import { cat } from './coreutils/cat.ts';
import { type Command, type CommandResult, errnoOf, strerror } from './coreutils/command.ts';
import { dmesg } from './coreutils/dmesg.ts';
import { echo } from './coreutils/echo.ts';
import { hd } from './coreutils/hd.ts';
import { ls } from './coreutils/ls.ts';
import { lsmod } from './coreutils/lsmod.ts';
import { modprobe } from './coreutils/modprobe.ts';
import { mount } from './coreutils/mount.ts';
import { rm } from './coreutils/rm.ts';
import { rmmod } from './coreutils/rmmod.ts';
import type { Kernel } from './kernel.ts';
import { O_CREAT, O_TRUNC, O_WRONLY } from './open-flags.ts';
import type { Syscalls } from './syscalls.ts';
import { ROOT } from './user.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  cat,
  'decrypt-file': decryptFile,
  dmesg,
  echo,
  hd,
  ls,
  lsmod,
  modprobe,
  mount,
  rm,
  rmmod,
};

export interface ShellResult {
  /** What the terminal shows: standard output and error in order, as UTF-8 text. */
  readonly output: string;
  /** The same as bytes: a secret need not be text. */
  readonly bytes: Uint8Array;
  /** Exit status. */
  readonly status: number;
}

/**
 * Runs one command line as root: a command, words with quotes and backslashes, and `> FILE`. Anything else that bash
 * knows is refused with status 2. Typing takes `clock.perCommand` of virtual time. One event.
 */
export function runShell(kernel: Kernel, commandLine: string): ShellResult {
  const { clock } = kernel.observer;
  clock.now += clock.perCommand;
  const { output, status } = execute(kernel, commandLine);
  const bytes = bytesOf(output);
  kernel.observer.observe('user', 'kernel', () => ({
    type: 'shell',
    command: commandLine,
    status,
    closed: { output: bytes.slice() },
  }));
  return { output: new TextDecoder().decode(bytes), bytes, status };
}

const bytesOf = (output: string | Uint8Array): Uint8Array =>
  typeof output === 'string' ? utf8(output) : output;

function execute(kernel: Kernel, commandLine: string): CommandResult {
  const parsed = parseCommandLine(commandLine);
  if ('status' in parsed) return parsed;
  const { words, target } = parsed;
  const sys = kernel.as(ROOT);
  if (target === undefined) return start(kernel, sys, words);

  let fd = -1;
  const error = errnoOf(() => {
    fd = sys.open(target, O_WRONLY | O_CREAT | O_TRUNC);
  });
  if (error !== undefined) return { output: `bash: ${target}: ${strerror(error)}\n`, status: 1 };
  try {
    return redirect(sys, fd, words[0], start(kernel, sys, words));
  } finally {
    sys.close(fd);
  }
}

function start(kernel: Kernel, sys: Syscalls, [name, ...args]: readonly string[]): CommandResult {
  if (name === undefined) return { output: '', status: 0 };
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return command?.({ kernel, sys, args }) ?? { output: `bash: ${name}: command not found\n`, status: 127 };
}

/** DEVIATION: what a command writes to standard error goes to the file as well. */
function redirect(
  sys: Syscalls,
  fd: number,
  name: string | undefined,
  { output, status }: CommandResult,
): CommandResult {
  const bytes = bytesOf(output);
  if (bytes.length === 0) return { output, status };
  const error = errnoOf(() => {
    sys.write(fd, bytes);
  });
  if (error === undefined) return { output: '', status };
  return { output: `bash: ${name}: write error: ${strerror(error)}\n`, status: 1 };
}

interface CommandLine {
  readonly words: readonly string[];
  /** Where output is redirected to. */
  readonly target: string | undefined;
}

/** Blanks, a comment, `>`, or a word without anything that bash would expand. */
const TOKEN =
  /[ \t]+|#[^\n]*|(?<redirect>>)|(?<word>(?!~|\d+>)(?:"(?:[^"\\$`]|\\.)*"|'[^']*'|\\.|[^\s"'\\|&;<>()$`*?[{])+)/sy;

/**
 * What a rest that is no token starts with, and why it is refused. NOT MODELLED: pipes, lists, patterns, variables,
 * and other redirections than `> FILE`.
 */
const NOT_MODELLED: readonly (readonly [RegExp, string])[] = [
  [/^\|/, 'this shell has no pipes'],
  [/^[&;\r\n]/, 'this shell takes one command at a time'],
  [/^(<|\d+>)/, "this shell has no redirection but '> FILE'"],
  [/^[*?[{~]/, 'this shell expands no patterns; quote the character or write the name out'],
  [/^([$`()]|"[^"]*[$`])/, 'this shell has no variables and no substitution; use single quotes'],
  [/^/, 'a quote or a backslash is open at the end'],
];

function parseCommandLine(line: string): CommandLine | CommandResult {
  const text = line.trim();
  const words: string[] = [];
  const targets: string[] = [];
  let redirects = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) return refuse(text.slice(at));
    const { redirect, word } = match.groups ?? {};
    if (redirect !== undefined) redirects++;
    else if (word !== undefined) (targets.length < redirects ? targets : words).push(unquote(word));
  }
  if (redirects > 1 || targets.length < redirects) {
    return { output: "sevlab: '>' is followed by one file, and comes once\n", status: 2 };
  }
  return { words, target: targets[0] };
}

function refuse(rest: string): CommandResult {
  const reason = NOT_MODELLED.find(([start]) => start.test(rest))?.[1];
  return { output: `sevlab: ${reason}, at: ${rest}\n`, status: 2 };
}

const unquote = (token: string): string =>
  token.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs, (_, single, double, escaped) => {
    if (single !== undefined) return single;
    return double === undefined ? escaped : double.replace(/\\(["\\$`])/g, '$1');
  });
