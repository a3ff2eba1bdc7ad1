import { concat } from '@sevlab/codec/bytes';
import type { Output } from '../coreutils/streams.ts';
import { LimitReached, OUTPUT_MAX } from './limits.ts';

/** Takes what a command line shows, standard output and error in order. */
export class Screen implements Output {
  readonly columns: number | undefined;
  readonly full = false;
  readonly #parts: Uint8Array[] = [];
  #length = 0;
  #taken = 0;

  /** `columns`: width of a terminal; undefined when it is none. */
  constructor(columns?: number) {
    this.columns = columns;
  }

  /** Throws LimitReached. */
  write(bytes: Uint8Array): void {
    const room = OUTPUT_MAX - this.#length;
    this.#parts.push(bytes.slice(0, room));
    this.#length += Math.min(room, bytes.length);
    if (bytes.length > room) throw new LimitReached(`it showed ${OUTPUT_MAX} bytes`);
  }

  /** What is said about the command line itself: it has no limit. */
  tell(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  /** Everything so far. */
  get bytes(): Uint8Array {
    return concat(...this.#parts);
  }

  /** What was written since the last call. */
  takeNew(): Uint8Array {
    const parts = this.#parts.slice(this.#taken);
    this.#taken = this.#parts.length;
    return concat(...parts);
  }
}
