import { Worker } from 'node:worker_threads';
import { death, type Failure, hang } from './failure.ts';
import { type Answer, FUZZ_THREAD, type Task, type ThreadData } from './task.ts';

/** How often somebody looks whether a case still runs. Milliseconds. */
const LOOK_EVERY = 100;
/** A door launches its guests before its first case. Milliseconds. */
const OPENING = 120_000;

/** A case that did not come back. */
export interface Fallen {
  readonly kind: 'fallen';
  readonly index: number;
  readonly failure: Failure;
}

export interface ThreadOptions {
  /** A program that calls serveTasks() when it runs as a worker. */
  readonly program: string;
  readonly seed: string;
  /** A case that takes longer is one that hangs. Milliseconds. */
  readonly limit: number;
}

/** A thread in which cases run, and somebody who watches it. A thread that a case took with it is replaced. */
export class CaseThread {
  readonly #options: ThreadOptions;
  readonly #progress = new Int32Array(new SharedArrayBuffer(8));
  #worker: Worker | undefined;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /** How many threads there have been. */
  generation = 0;

  /** One task at a time. */
  async run(task: Task): Promise<Answer | Fallen> {
    const worker = this.#worker ?? (await this.#start());
    const { limit } = this.#options;
    return new Promise((resolve) => {
      Atomics.store(this.#progress, 0, -1);
      let seen = { count: Atomics.load(this.#progress, 1), since: performance.now() };
      const fall = (failure: Failure): void => {
        const index = Atomics.load(this.#progress, 0);
        this.#worker = undefined;
        worker.on('error', () => {}); // nobody waits for it any more
        void worker.terminate();
        end({ kind: 'fallen', index, failure });
      };
      const end = (answer: Answer | Fallen): void => {
        clearInterval(watch);
        worker.off('message', end).off('error', onError).off('exit', onExit);
        resolve(answer);
      };
      const onError = (error: unknown): void =>
        fall(death(error instanceof Error ? error.message : String(error)));
      const onExit = (code: number): void => fall(death(`exit code ${code}`));
      const watch = setInterval(() => {
        const count = Atomics.load(this.#progress, 1);
        const now = performance.now();
        const allowed = Atomics.load(this.#progress, 0) < 0 ? OPENING : limit;
        if (count !== seen.count) seen = { count, since: now };
        else if (now - seen.since > allowed) fall(hang(allowed));
      }, LOOK_EVERY);
      worker.on('message', end).on('error', onError).on('exit', onExit);
      worker.postMessage(task);
    });
  }

  async #start(): Promise<Worker> {
    const { program, seed } = this.#options;
    const workerData: ThreadData = { seed, progress: this.#progress };
    const worker = new Worker(program, { argv: [FUZZ_THREAD], workerData, stderr: false });
    this.#worker = worker;
    this.generation++;
    await new Promise<void>((resolve, reject) => {
      const onExit = (code: number): void => reject(new Error(`a worker ended with ${code} before it began`));
      worker.once('error', reject).once('exit', onExit);
      worker.once('message', () => {
        worker.off('error', reject).off('exit', onExit);
        resolve();
      });
    });
    return worker;
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }
}
