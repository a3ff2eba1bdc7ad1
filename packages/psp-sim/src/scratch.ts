import { type Spa, spa } from '@sevlab/codec/address';
import type { SevStatus } from '@sevlab/codec/sev/status';

/** The AMD-SP's scratch memory, in bytes: longer data is worked on in pieces (firmware behaviour (Genoa 1.55)). */
export const SCRATCH_SIZE = 0x5000;

/** One piece of a command's data: how far it is from the start, and its length, both in bytes. */
export interface Piece {
  readonly offset: number;
  readonly length: number;
}

/** Works on `length` bytes in pieces. The first one that fails ends it, and what lies before stays done. */
export function inPieces(length: number, size: number, work: (piece: Piece) => SevStatus): SevStatus {
  for (let offset = 0; offset < length; offset += size) {
    const status = work({ offset, length: Math.min(size, length - offset) });
    if (status !== 'SUCCESS') return status;
  }
  return 'SUCCESS';
}

/** The address of a piece of what lies at `start`. */
export const pieceAt = (start: Spa, { offset }: Piece): Spa => spa(start + BigInt(offset));
