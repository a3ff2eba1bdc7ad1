import { type ErrnoName, KernelError } from '@sevlab/guest-kernel-sim/errno';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import type { Syscalls } from '@sevlab/guest-kernel-sim/syscalls';
import { MAY_READ, ROOT } from '@sevlab/guest-kernel-sim/user';
import { accountOf } from './account.ts';
import type { Finding } from './finding.ts';
import type { CallCheck, CallName, StatCheck } from './scenario.ts';

/** Permission bits of a mode, octal with a zero in front, as people write them. */
const modeText = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');

/** What stat(2) tells root of a path, as far as it is asked for. */
export function checkStat(kernel: Kernel, { path, ...wanted }: StatCheck): Finding {
  const status = answerOf(() => kernel.as(ROOT).stat(path));
  if (typeof status === 'string') return { held: false, expected: textOf(wanted), actual: status };
  const all = { ...status, mode: modeText(status.mode) };
  const actual = Object.fromEntries(
    Object.keys(wanted).map((name) => [name, all[name as keyof StatCheck & keyof typeof all]]),
  );
  return compare(textOf(wanted), textOf(actual));
}

/** The names in a folder. */
export function checkFiles(
  kernel: Kernel,
  { path, names }: { readonly path: string; readonly names: readonly string[] },
): Finding {
  const entries = answerOf(() => kernel.as(ROOT).readdir(path));
  if (typeof entries === 'string') return { held: false, expected: namesText(names), actual: entries };
  const actual = entries.map(({ name }) => name).filter((name) => name !== '.' && name !== '..');
  return compare(namesText(names), namesText(actual));
}

/** What a system call answers. It changes what it changes in a fork. */
export function checkCall(kernel: Kernel, { name, path, as, errno }: CallCheck): Finding {
  const sys = kernel.as(as === undefined ? ROOT : accountOf(kernel, as));
  const answer = answerOf(() => MAKE[name](sys, path));
  return compare(errno, typeof answer === 'string' ? answer : 'none');
}

const MAKE: Readonly<Record<CallName, (sys: Syscalls, path: string) => unknown>> = {
  open: (sys, path) => sys.close(sys.open(path)),
  readdir: (sys, path) => sys.readdir(path),
  stat: (sys, path) => sys.stat(path),
  access: (sys, path) => sys.access(path, MAY_READ),
  unlink: (sys, path) => sys.unlink(path),
  rmdir: (sys, path) => sys.rmdir(path),
  mkdir: (sys, path) => sys.mkdir(path),
  truncate: (sys, path) => sys.truncate(path, 0),
  chmod: (sys, path) => sys.chmod(path, 0o600),
};

/** An object, or the errno. */
function answerOf<T>(call: () => T): Exclude<T, string> | ErrnoName {
  try {
    return call() as Exclude<T, string>; // no call here answers with text
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
}

const compare = (expected: string, actual: string): Finding => ({
  held: expected === actual,
  expected,
  actual,
});
const textOf = (fields: object): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
const namesText = (names: readonly string[]): string => names.join(', ') || 'nothing';
