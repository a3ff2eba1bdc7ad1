/** seq_file's buffer of one open file (fs/seq_file.c). */
export interface SeqFile {
  /** Produced and not yet read. */
  pending: Uint8Array;
  /** Whether the only record was produced. */
  produced: boolean;
  /** File offset that `pending` starts at. */
  readPos: number;
}

/** fs/seq_file.c for a file with one record: content is produced by reads, and read on from the buffer. */
export const createSeqFile = (): SeqFile => ({ pending: new Uint8Array(0), produced: false, readPos: 0 });

/**
 * seq_read_iter(): up to `length` bytes at `position`. A read at 0 produces the content anew, as does one that does
 * not go on where the last ended; bytes in the buffer are given out even if the file changed since.
 */
export function seqRead(seq: SeqFile, position: number, length: number, show: () => Uint8Array): Uint8Array {
  if (length === 0) return new Uint8Array(0);
  if (position === 0) rewind(seq);
  if (position !== seq.readPos) seqTraverse(seq, position, show);
  if (seq.pending.length === 0 && !seq.produced) {
    seq.pending = show();
    seq.produced = true;
  }
  const read = seq.pending.slice(0, length);
  // a view of nothing would keep the whole buffer
  seq.pending = read.length === seq.pending.length ? new Uint8Array(0) : seq.pending.subarray(read.length);
  seq.readPos = position + read.length;
  return read;
}

/** seq_lseek(): moving produces the content up to the new position, except for moving to the start. */
export function seqSeek(seq: SeqFile, position: number, show: () => Uint8Array): void {
  if (position !== seq.readPos) seqTraverse(seq, position, show);
}

function seqTraverse(seq: SeqFile, position: number, show: () => Uint8Array): void {
  rewind(seq);
  if (position !== 0) {
    seq.pending = show().slice(position);
    seq.produced = true;
  }
  seq.readPos = position;
}

function rewind(seq: SeqFile): void {
  seq.pending = new Uint8Array(0);
  seq.produced = false;
}
