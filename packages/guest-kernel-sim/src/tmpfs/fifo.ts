import { pipeAt, pipeOperations } from '../anonymous/pipe.ts';
import { KernelError } from '../errno.ts';
import { O_NONBLOCK } from '../open-flags.ts';
import type { FileOperations } from '../vfs/file-system.ts';
import { isReadable, isWritable, type OpenFile } from '../vfs/open-file.ts';
import { isSamePlace } from '../vfs/place.ts';

/**
 * A FIFO: a pipe with a name (fs/pipe.c, fifo_open()).
 * DEVIATION: nobody waits here; opening one end while nobody has the other is EINTR, as if a signal had come.
 */
export const fifoOperations: FileOperations = {
  ...pipeOperations,

  open({ kernel }, file) {
    pipeAt(kernel, file.dentry);
    if (isReadable(file) && isWritable(file)) return;
    const wanted = (other: OpenFile): boolean => (isReadable(file) ? isWritable(other) : isReadable(other));
    const others = [...kernel.state.files.values()].filter(
      (other) => !other.pathOnly && isSamePlace(other.dentry.place, file.dentry.place),
    );
    if (others.some(wanted)) return;
    if ((file.flags & O_NONBLOCK) === 0) throw new KernelError('EINTR');
    if (!isReadable(file)) throw new KernelError('ENXIO');
  },
};
