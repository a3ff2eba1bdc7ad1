import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

/** The program ended, said nothing in time, or said what is no line of JSON: it cannot be asked any more. */
export class ProgramTrouble extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProgramTrouble';
  }
}

/** How often to look whether something came, in milliseconds. */
const POLL = 0.2;
/** No answer is longer; a program that goes on and on is told from one that has much to say. */
const LONGEST = 8 * 1024 * 1024;

/**
 * A program that reads a line and writes a line. Asking waits for the answer: whoever drives an AMD-SP asks in the middle
 * of a case, and the simulated one answers at once. So its standard input and output are two named pipes, which can be
 * read and written without an event loop.
 */
export class LineProgram {
  readonly command: string;
  readonly #timeout: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  readonly #toProgram: number;
  readonly #fromProgram: number;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /** Starts `command` with /bin/sh; its standard error is ours. `timeout` is that of one answer, in seconds. */
  constructor(command: string, timeout: number) {
    this.command = command;
    this.#timeout = timeout;
    const [input, output] = [openPipe(), openPipe()];
    this.#toProgram = input.write;
    this.#fromProgram = output.read;
    this.#child = spawn('/bin/sh', ['-c', command], {
      stdio: [input.blockingRead, output.blockingWrite, 'inherit'],
      detached: true, // so that what the shell started ends with it
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on('exit', (code, signal) => resolve(signal ? `by ${signal}` : `with exit status ${code}`));
      this.#child.on('error', (error) => resolve(error.message));
    });
    closeSync(input.blockingRead);
    closeSync(output.blockingWrite);
    closeSync(input.read);
    closeSync(output.write);
  }

  /** One line there, one line back, as JSON. Throws ProgramTrouble. */
  ask(request: object): unknown {
    if (this.#rest !== '') throw new ProgramTrouble(`it wrote more than one line: ${quoted(this.#rest)}`);
    this.#write(`${JSON.stringify(request)}\n`);
    const line = this.#readLine();
    try {
      return JSON.parse(line);
    } catch {
      throw new ProgramTrouble(`it answered ${quoted(line)}; expected one line of JSON`);
    }
  }

  /** Ends the program. Gives how it ended: of itself when it already had, else by our signal. */
  async end(): Promise<string> {
    closeSync(this.#toProgram);
    closeSync(this.#fromProgram);
    const soon = new Promise<undefined>((resolve) => {
      setTimeout(() => resolve(undefined), 200).unref(); // end of input is enough for a program that behaves
    });
    if ((await Promise.race([this.#ended, soon])) === undefined && this.#child.pid !== undefined)
      killGroup(this.#child.pid);
    return this.#ended;
  }

  #write(text: string): void {
    const bytes = Buffer.from(text);
    let written = 0;
    const patience = new Patience(this.#timeout);
    while (written < bytes.length) {
      try {
        written += writeSync(this.#toProgram, bytes, written);
      } catch (error) {
        if (codeOf(error) === 'EPIPE') return; // it ended: reading tells
        if (codeOf(error) !== 'EAGAIN') throw error;
        if (!patience.wait()) throw new ProgramTrouble(`it did not read its input for ${this.#timeout} s`);
      }
    }
  }

  #readLine(): string {
    const chunk = Buffer.alloc(65536);
    const patience = new Patience(this.#timeout);
    for (;;) {
      const end = this.#rest.indexOf('\n');
      if (end !== -1) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      if (this.#rest.length > LONGEST)
        throw new ProgramTrouble(`it wrote ${LONGEST} bytes without an end of line`);
      try {
        const count = readSync(this.#fromProgram, chunk);
        if (count === 0)
          throw new ProgramTrouble(
            this.#rest === ''
              ? 'it ended without an answer'
              : `it ended within an answer: ${quoted(this.#rest)}`,
          );
        this.#rest += this.#decoder.write(chunk.subarray(0, count));
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN') throw error;
        if (!patience.wait()) throw new ProgramTrouble(`no answer within ${this.#timeout} s`);
      }
    }
  }
}

/** Waits in small steps, for so many seconds together. */
class Patience {
  #left: number;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  constructor(seconds: number) {
    this.#left = (seconds * 1000) / POLL;
  }

  /** False when there is none left. */
  wait(): boolean {
    this.#left -= 1;
    if (this.#left < 0) return false;
    Atomics.wait(this.#cell, 0, 0, POLL);
    return true;
  }
}

/** A named pipe without its name: an end of each kind for us, and one of each that a program can have. */
function openPipe() {
  const folder = mkdtempSync(join(tmpdir(), 'sevlab-exec-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', ['-m', '600', path]);
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
  const read = openSync(path, O_RDONLY | O_NONBLOCK); // does not wait for a writer, as the others do for a reader
  const write = openSync(path, O_WRONLY | O_NONBLOCK);
  const ends = {
    read,
    write,
    blockingRead: openSync(path, O_RDONLY),
    blockingWrite: openSync(path, O_WRONLY),
  };
  rmSync(folder, { recursive: true });
  return ends;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error; // it ended meanwhile
  }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

const quoted = (line: string): string => JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}…` : line);
