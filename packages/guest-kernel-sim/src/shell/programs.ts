import { decryptFile } from '../apps/decrypt-file.ts';
import { cat } from '../coreutils/cat.ts';
import { chmod } from '../coreutils/chmod.ts';
import { chown } from '../coreutils/chown.ts';
import { clear } from '../coreutils/clear.ts';
import { cp } from '../coreutils/cp.ts';
import { date } from '../coreutils/date.ts';
import { dmesg } from '../coreutils/dmesg.ts';
import { grep } from '../coreutils/grep.ts';
import { head } from '../coreutils/head.ts';
import { hexdump } from '../coreutils/hexdump.ts';
import { id, whoami } from '../coreutils/id.ts';
import { insmod } from '../coreutils/insmod.ts';
import { ln } from '../coreutils/ln.ts';
import { ls } from '../coreutils/ls.ts';
import { lsmod } from '../coreutils/lsmod.ts';
import { mkdir } from '../coreutils/mkdir.ts';
import { modprobe } from '../coreutils/modprobe.ts';
import { mount } from '../coreutils/mount.ts';
import { mv } from '../coreutils/mv.ts';
import { od } from '../coreutils/od.ts';
import type { Program } from '../coreutils/program.ts';
import { rm } from '../coreutils/rm.ts';
import { rmdir } from '../coreutils/rmdir.ts';
import { rmmod } from '../coreutils/rmmod.ts';
import { sha256sum } from '../coreutils/sha256sum.ts';
import { stat } from '../coreutils/stat.ts';
import { tail } from '../coreutils/tail.ts';
import { touch } from '../coreutils/touch.ts';
import { umount } from '../coreutils/umount.ts';
import { uname } from '../coreutils/uname.ts';
import { wc } from '../coreutils/wc.ts';
import { xxd } from '../coreutils/xxd.ts';
import { yes } from '../coreutils/yes.ts';

/** A program of the guest's disk. */
export interface ProgramEntry {
  readonly run: Program;
  /** What stands behind its name, for `--help`. */
  readonly usage: string;
  readonly subject: 'files' | 'dumps' | 'text' | 'kernel' | 'users';
}

export const PROGRAMS: Readonly<Record<string, ProgramEntry>> = {
  cat: { run: cat, usage: '[FILE]...', subject: 'files' },
  chgrp: { run: chown, usage: '[-R] GROUP FILE...', subject: 'files' },
  chmod: { run: chmod, usage: '[-Rcfv] MODE FILE...', subject: 'files' },
  chown: { run: chown, usage: '[-R] [OWNER][:[GROUP]] FILE...', subject: 'files' },
  clear: { run: clear, usage: '', subject: 'text' },
  cp: { run: cp, usage: '[-r] SOURCE... TARGET', subject: 'files' },
  date: { run: date, usage: '', subject: 'kernel' },
  'decrypt-file': { run: decryptFile, usage: '[-s] KEYFILE', subject: 'kernel' },
  dmesg: { run: dmesg, usage: '', subject: 'kernel' },
  grep: { run: grep, usage: '[-Fcinqv] PATTERN [FILE]...', subject: 'text' },
  hd: { run: hexdump, usage: '[-v] [-n LENGTH] [FILE]...', subject: 'dumps' },
  head: { run: head, usage: '[-qv] [-n LINES | -c BYTES] [FILE]...', subject: 'text' },
  hexdump: { run: hexdump, usage: '[-Cv] [-n LENGTH] [FILE]...', subject: 'dumps' },
  id: { run: id, usage: '[-Ggnu] [USER]...', subject: 'users' },
  insmod: { run: insmod, usage: 'FILE', subject: 'kernel' },
  ln: { run: ln, usage: '[-s] TARGET... LINK', subject: 'files' },
  ls: { run: ls, usage: '[-1ACFRUadilnrt] [FILE]...', subject: 'files' },
  lsmod: { run: lsmod, usage: '', subject: 'kernel' },
  mkdir: { run: mkdir, usage: '[-pv] [-m MODE] DIRECTORY...', subject: 'files' },
  modprobe: { run: modprobe, usage: '[-qr] MODULE', subject: 'kernel' },
  mount: { run: mount, usage: '[-t securityfs securityfs /sys/kernel/security]', subject: 'kernel' },
  mv: { run: mv, usage: '[-f] SOURCE... TARGET', subject: 'files' },
  od: {
    run: od,
    usage: '[-abcdiosvx] [-A RADIX] [-t TYPE] [-N BYTES] [-j BYTES] [FILE]...',
    subject: 'dumps',
  },
  rm: { run: rm, usage: '[-Rdfirv] FILE...', subject: 'files' },
  rmdir: { run: rmdir, usage: '[-pv] DIRECTORY...', subject: 'files' },
  rmmod: { run: rmmod, usage: 'MODULE...', subject: 'kernel' },
  sha256sum: { run: sha256sum, usage: '[-b] [FILE]...', subject: 'dumps' },
  stat: { run: stat, usage: '[-L] [-c FORMAT] FILE...', subject: 'files' },
  tail: { run: tail, usage: '[-qv] [-n LINES | -c BYTES] [FILE]...', subject: 'text' },
  touch: { run: touch, usage: '[-c] FILE...', subject: 'files' },
  umount: { run: umount, usage: '/sys/kernel/security', subject: 'kernel' },
  uname: { run: uname, usage: '[-amnorsv]', subject: 'kernel' },
  wc: { run: wc, usage: '[-clmw] [FILE]...', subject: 'text' },
  whoami: { run: whoami, usage: '', subject: 'users' },
  xxd: { run: xxd, usage: '[-pu] [-l LENGTH] [-c COLUMNS] [FILE]', subject: 'dumps' },
  yes: { run: yes, usage: '[STRING]...', subject: 'text' },
};
