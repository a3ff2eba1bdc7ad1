/** What the operating system says, without its call and path. */
export function systemReason(error: unknown): string {
  const { code } = error as { code?: string }; // errors of node:fs have one
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'no such file',
    EEXIST: 'it is there already',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of the path is no folder',
    ENOSPC: 'no space is left',
    EROFS: 'the file system is read-only',
    ERR_FS_FILE_TOO_LARGE: 'it is too large',
  };
  return (code !== undefined && words[code]) || (error instanceof Error ? error.message : String(error));
}
