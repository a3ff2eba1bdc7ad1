import { fromBase64 } from '@sevlab/codec/bytes';

/** What a tool wrote to a file: its bytes as they are, or the text of a file in base64. */
export type FileBytes = Uint8Array | string;

/** @internal Throws RangeError for text that is no base64; `what` is named. */
export function fileBytes(what: string, file: FileBytes): Uint8Array {
  if (typeof file !== 'string') return file;
  try {
    return fromBase64(file);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RangeError(
      `${what}: expected bytes, or text in base64, got ${file.length} letters that are none`,
    );
  }
}
