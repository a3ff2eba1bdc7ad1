import { KernelError } from '../errno.ts';
import type loadMemfs from '../load-memfs.cjs';

/** memfs's core, which is loaded when it is first needed. */
export type FsCore = ReturnType<typeof loadMemfs>['fsCore'];

/** Runs system calls; an errno leaves as the error that Node's fs throws. */
export const nodeErrors =
  (fsCore: FsCore) =>
  <T>(syscall: string, path: string, call: () => T, dest?: string): T => {
    try {
      return call();
    } catch (error) {
      if (error instanceof KernelError) throw fsCore.createError(error.code, syscall, path, dest);
      throw error;
    }
  };
