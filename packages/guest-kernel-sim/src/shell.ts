import { utf8 } from '@sevlab/codec/bytes';
import { decryptFile } from './apps/decrypt-file.ts';
import { cat } from './coreutils/cat.ts';
import type { Command, CommandResult } from './coreutils/command.ts';
import { dmesg } from './coreutils/dmesg.ts';
import { echo } from './coreutils/echo.ts';
import { hd } from './coreutils/hd.ts';
import { ls } from './coreutils/ls.ts';
import { lsmod } from './coreutils/lsmod.ts';
import { modprobe } from './coreutils/modprobe.ts';
import { mount } from './coreutils/mount.ts';
import { rm } from './coreutils/rm.ts';
import { rmmod } from './coreutils/rmmod.ts';
import { ERRNO_TEXT, KernelError } from './errno.ts';
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
 * Runs one command line as root: words with quotes and backslashes, and `> FILE`. Typing takes `clock.perCommand`
 * of virtual time. One event.
 */
export function runShell(kernel: Kernel, commandLine: string): ShellResult {
  const { clock } = kernel.observer;
  clock.now += clock.perCommand;
  const { output, status } = execute(kernel, commandLine);
  const bytes = typeof output === 'string' ? utf8(output) : output;
  kernel.observer.observe('user', 'kernel', () => ({
    type: 'shell',
    command: commandLine,
    status,
    closed: { output: bytes.slice() },
  }));
  return { output: new TextDecoder().decode(bytes), bytes, status };
}

function execute(kernel: Kernel, commandLine: string): CommandResult {
  const { words, target } = parseCommandLine(commandLine);
  const [name, ...args] = words;
  if (name === undefined) return { output: '', status: 0 };
  const sys = kernel.as(ROOT);
  try {
    const fd = target === undefined ? undefined : sys.open(target, O_WRONLY | O_CREAT | O_TRUNC);
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    const result = command?.({ kernel, sys, args }) ?? {
      output: `bash: ${name}: command not found\n`,
      status: 127,
    };
    return fd === undefined ? result : redirect(sys, name, fd, result);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { output: `bash: ${target}: ${ERRNO_TEXT[error.code]}\n`, status: 1 };
  }
}

function redirect(sys: Syscalls, name: string, fd: number, result: CommandResult): CommandResult {
  try {
    sys.write(fd, typeof result.output === 'string' ? utf8(result.output) : result.output);
    return { output: '', status: result.status };
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { output: `bash: ${name}: write error: ${ERRNO_TEXT[error.code]}\n`, status: 1 };
  } finally {
    sys.close(fd);
  }
}

interface CommandLine {
  readonly words: string[];
  /** Where output is redirected to. */
  readonly target: string | undefined;
}

const TOKEN = /\s*(>|(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\>])+)/y;

/** NOT MODELLED: variables, patterns, pipes and lists. */
function parseCommandLine(line: string): CommandLine {
  const words: string[] = [];
  let target: string | undefined;
  let redirected = false;
  const text = line.replace(/(^|\s)#.*$/, '').trim();
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const token = match[1]!;
    if (token === '>') redirected = true;
    else if (redirected && target === undefined) target = unquote(token);
    else words.push(unquote(token));
  }
  return { words, target };
}

const unquote = (token: string): string =>
  token.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g, (_, single, double, escaped) => {
    if (single !== undefined) return single;
    return double === undefined ? escaped : double.replace(/\\(["\\$`])/g, '$1');
  });
