import { createObserver } from '@sevlab/ambient/observer';
import { utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { bootKernel } from '@sevlab/guest-kernel-sim/boot';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { createFileSystem } from '@sevlab/guest-kernel-sim/memfs-view';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from '@sevlab/guest-kernel-sim/plain-guest';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { ROOT, type User } from '@sevlab/guest-kernel-sim/user';

const COCO = '/sys/kernel/security/secrets/coco';
const GUID = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');
const FILE = `${COCO}/${GUID}`;

const USERS: Readonly<Record<string, User>> = {
  root: ROOT,
  user: { uid: 1000, gid: 1000, groups: [] },
  member: { uid: 1001, gid: 1001, groups: [0] },
};

type View = Kernel['fs'];

/** What is done to securityfs, and to a file and a directory of root's and of the user's own. */
const OPERATIONS: Readonly<Record<string, (fs: View) => unknown>> = {
  list: (fs) => fs.readdirSync(COCO),
  read: (fs) => fs.readFileSync(FILE, 'utf8'),
  stat: (fs) => {
    const { mode, uid, gid, nlink, size } = fs.statSync(FILE);
    return [mode, uid, gid, nlink, size];
  },
  'access to read': (fs) => fs.accessSync(FILE, 4),
  'access to write': (fs) => fs.accessSync(FILE, 2),
  'access to execute': (fs) => fs.accessSync(FILE, 1),
  write: (fs) => fs.writeFileSync(FILE, 'x'),
  append: (fs) => fs.appendFileSync(FILE, 'x'),
  create: (fs) => fs.writeFileSync(`${COCO}/new`, 'x'),
  mkdir: (fs) => fs.mkdirSync(`${COCO}/new`),
  'mkdir below mkdir': (fs) => fs.mkdirSync(`${COCO}/a/b`, { recursive: true }),
  rmdir: (fs) => fs.rmdirSync(COCO),
  rename: (fs) => fs.renameSync(FILE, `${COCO}/new`),
  link: (fs) => fs.linkSync(FILE, `${COCO}/new`),
  symlink: (fs) => fs.symlinkSync('x', `${COCO}/new`),
  chmod: (fs) => fs.chmodSync(FILE, 0o777),
  'chmod back': (fs) => fs.chmodSync(FILE, 0o440),
  chown: (fs) => fs.chownSync(FILE, 0, 0),
  utimes: (fs) => fs.utimesSync(FILE, 1, 2),
  truncate: (fs) => fs.truncateSync(FILE, 0),
  'list what root alone may enter': (fs) => fs.readdirSync('/root'),
  'read below it': (fs) => fs.readFileSync('/root/.profile'),
  'make a file in /tmp': (fs) => {
    fs.writeFileSync('/tmp/file', 'content', { mode: 0o600 });
    const { mode, uid, gid } = fs.statSync('/tmp/file');
    return [mode, uid, gid, fs.readFileSync('/tmp/file', 'utf8')];
  },
  'make a directory in /tmp': (fs) => {
    fs.mkdirSync('/tmp/folder', { mode: 0o700 });
    fs.writeFileSync('/tmp/folder/file', 'content');
    const { mode, uid, gid } = fs.statSync('/tmp/folder');
    return [mode, uid, gid, fs.readdirSync('/tmp/folder')];
  },
  'delete them': (fs) => fs.rmSync('/tmp/folder', { recursive: true }),
  'write into root’s own': (fs) => fs.writeFileSync('/etc/new', 'x'),
  unlink: (fs) => fs.unlinkSync(FILE),
};

/** What Node's view of the guest's files answers to each operation, by each user, each in a kernel of his own. */
export function answerAll(): string[] {
  return Object.entries(USERS).flatMap(([name, user]) => {
    const fs = createFileSystem(boot().as(user));
    return Object.entries(OPERATIONS).map(
      ([what, operate]) => `${name}: ${what}: ${answer(() => operate(fs))}`,
    );
  });
}

function boot(): Kernel {
  const observer = createObserver();
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    context.memory.writePrivate(PLAIN_GUEST.area, encodeSecretTable([{ guid: GUID, data: utf8('secret') }]));
    const profile = kernelProfile('6.1');
    return bootKernel({ context, bootParams: PLAIN_GUEST.bootParams, profile, observer });
  });
}

function answer(operate: () => unknown): string {
  try {
    return JSON.stringify(operate()) ?? 'done';
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
}
