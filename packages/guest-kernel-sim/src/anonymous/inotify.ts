import { concat, utf8 } from '@sevlab/codec/bytes';
import { KernelError } from '../errno.ts';
import type { RunningKernel } from '../running-kernel.ts';
import type { FileOperations, Place } from '../vfs/file-system.ts';
import { isSamePlace } from '../vfs/place.ts';
import { POLLIN } from './pipe.ts';

/** Events (include/uapi/linux/inotify.h). */
export const IN_MODIFY = 0x2;
export const IN_ATTRIB = 0x4;
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_ISDIR = 0x4000_0000;
export const IN_ALL_EVENTS = 0xfff;

export interface InotifyEvent {
  readonly wd: number;
  readonly mask: number;
  /** Joins the two halves of a rename; otherwise 0. */
  readonly cookie: number;
  /** Of the file in a watched directory. */
  readonly name: string;
}

/** An inotify instance (fs/notify/inotify). */
export interface Inotify {
  readonly watches: Map<number, { readonly place: Place; mask: number }>;
  readonly events: InotifyEvent[];
  nextWd: number;
}

export const createInotify = (): Inotify => ({ watches: new Map(), events: [], nextWd: 1 });

/**
 * fsnotify(): tells whoever watches `place`. A second event just like the last is not kept.
 * NOT MODELLED: IN_ACCESS, IN_OPEN, IN_CLOSE_*, IN_UNMOUNT, and the limit of events.
 */
export function notify(kernel: RunningKernel, place: Place, mask: number, name = '', cookie = 0): void {
  for (const { inotify } of kernel.state.anonymous.inodes.values()) {
    for (const [wd, watch] of inotify?.watches ?? []) {
      if (!isSamePlace(watch.place, place) || (watch.mask & mask & IN_ALL_EVENTS) === 0) continue;
      const event: InotifyEvent = { wd, mask, cookie, name };
      const last = inotify?.events.at(-1);
      if (last === undefined || !isSameEvent(last, event)) inotify?.events.push(event);
    }
  }
}

const isSameEvent = (a: InotifyEvent, b: InotifyEvent): boolean =>
  a.wd === b.wd && a.mask === b.mask && a.cookie === b.cookie && a.name === b.name;

export function inotifyOf({ state: { anonymous } }: RunningKernel, { ino }: Place): Inotify {
  const inotify = anonymous.inodes.get(ino)?.inotify;
  if (inotify === undefined) throw new KernelError('EINVAL');
  return inotify;
}

/** Bytes before the name (struct inotify_event). */
const HEAD_SIZE = 16;

function encodeEvent({ wd, mask, cookie, name }: InotifyEvent): Uint8Array {
  const room = name === '' ? 0 : Math.ceil((Buffer.byteLength(name) + 1) / HEAD_SIZE) * HEAD_SIZE;
  const padded = new Uint8Array(room);
  padded.set(utf8(name));
  const head = new DataView(new ArrayBuffer(HEAD_SIZE));
  [wd, mask, cookie, room].forEach((value, i) => {
    head.setUint32(4 * i, value, true);
  });
  return concat(new Uint8Array(head.buffer), padded);
}

export const inotifyOperations: FileOperations = {
  pread: false,
  pwrite: false,

  /** inotify_read(): whole events; EINVAL when not even one fits. */
  read({ kernel }, { dentry }, _position, length) {
    const { events } = inotifyOf(kernel, dentry.place);
    const parts: Uint8Array[] = [];
    let room = length;
    for (;;) {
      const [next] = events;
      const bytes = next && encodeEvent(next);
      if (bytes === undefined || bytes.length > room) break;
      parts.push(bytes);
      room -= bytes.length;
      events.shift();
    }
    if (parts.length === 0) throw new KernelError(events.length === 0 ? 'EAGAIN' : 'EINVAL');
    return concat(...parts);
  },

  poll: ({ kernel }, { dentry }) => (inotifyOf(kernel, dentry.place).events.length > 0 ? POLLIN : 0),
};
