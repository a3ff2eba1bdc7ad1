import { concat, utf8 } from '@sevlab/codec/bytes';

/** A file of an initrd. */
export type InitrdFile =
  | { readonly path: string; readonly kind: 'folder' }
  | { readonly path: string; readonly kind: 'file'; readonly content: Uint8Array; readonly mode: number }
  | {
      readonly path: string;
      readonly kind: 'character device';
      readonly major: number;
      readonly minor: number;
    };

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const TRAILER = 'TRAILER!!!';

/** An uncompressed cpio archive in the "newc" format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). */
export function makeInitrd(files: readonly InitrdFile[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  const put = (bytes: Uint8Array): void => {
    const padding = new Uint8Array((4 - ((size + bytes.length) % 4)) % 4);
    parts.push(bytes, padding);
    size += bytes.length + padding.length;
  };
  const member = (
    path: string,
    mode: number,
    content: Uint8Array,
    device: readonly [number, number],
  ): void => {
    const fields = [parts.length + 1, mode, 0, 0, 1, 0, content.length, 0, 0, ...device, path.length + 1, 0];
    const head = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
    put(utf8(`070701${head}${path}\0`));
    put(content);
  };
  const nothing = new Uint8Array();
  for (const file of files) {
    if (file.kind === 'folder') member(file.path, S_IFDIR | 0o755, nothing, [0, 0]);
    else if (file.kind === 'file') member(file.path, S_IFREG | file.mode, file.content, [0, 0]);
    else member(file.path, S_IFCHR | 0o600, nothing, [file.major, file.minor]);
  }
  member(TRAILER, 0, nothing, [0, 0]);
  return concat(...parts);
}
