import type { Input } from '../coreutils/streams.ts';

/** What somebody typed for the program that runs, line after line. */
export class Keyboard implements Input {
  readonly terminal = true;
  /** An empty one is an end of input, which one read sees. */
  readonly #lines: Uint8Array[] = [];

  type(line: Uint8Array): void {
    this.#lines.push(line);
  }

  read(length: number): Uint8Array | undefined {
    const line = this.#lines.shift();
    if (line === undefined || line.length <= length) return line;
    this.#lines.unshift(line.subarray(length));
    return line.subarray(0, length);
  }
}
