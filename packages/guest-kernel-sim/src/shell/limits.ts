/** Turns that the programs of one command line may take while nobody types: some seconds of work, or 64 MiB read. */
const STEPS_MAX = 16_384;
/** Bytes that one command line may show. */
export const OUTPUT_MAX = 1024 * 1024;
/** Names that one pattern may lead to, those on the way counted: links multiply them. */
export const NAMES_MAX = 10_000;
/** Exit status of a command line that was stopped, that of timeout(1). */
export const STOPPED_STATUS = 124;
/** Exit status of a command line that ^C ended: 128 and SIGINT. */
export const INTERRUPTED_STATUS = 130;
/** Exit status of a program that writes where nobody reads any more: 128 and SIGPIPE. */
export const BROKEN_PIPE_STATUS = 141;

/** A command line goes on for too long, or shows too much. */
export class LimitReached extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'LimitReached';
  }
}

/** Counts the turns of one command line. */
export class StepCounter {
  #left = STEPS_MAX;

  /** Somebody typed: what follows is up to him. */
  restart(): void {
    this.#left = STEPS_MAX;
  }

  /** Throws LimitReached. */
  count(): void {
    if (this.#left-- === 0) throw new LimitReached(`it took ${STEPS_MAX} steps`);
  }
}
