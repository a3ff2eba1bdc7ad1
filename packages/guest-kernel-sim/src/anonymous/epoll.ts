import type { FileOperations } from '../vfs/file-system.ts';

/** An epoll instance (fs/eventpoll.c). NOT MODELLED: waiting; only which descriptors can be added. */
export const epollOperations: FileOperations = { pread: false, pwrite: false, poll: () => 0 };
