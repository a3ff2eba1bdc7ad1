import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const QEMU = 'qemu-system-x86_64';

/** Nothing that is asked of a QEMU may take longer, in milliseconds. */
const PATIENCE = 10_000;

/** A paused QEMU, as installed here, and one connection to its QMP socket. */
export class RealQemu {
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  #heard = '';
  #closed = false;
  #news: (() => void) | undefined;

  private constructor(child: ChildProcess, socket: Socket) {
    this.#child = child;
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#heard += text;
      this.#news?.();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#closed = true;
      this.#news?.();
    });
  }

  /** Starts one whose socket is in this folder, and takes its greeting. `monitor` is the option for the socket. */
  static async start(
    folder: string,
    arguments_: readonly string[],
  ): Promise<{ readonly qemu: RealQemu; readonly greeting: string; readonly monitor: readonly string[] }> {
    const path = join(folder, `real-${sockets++}`);
    const monitor = ['-qmp', `unix:${path},server=on,wait=off`];
    const child = spawn(QEMU, [...arguments_, ...monitor], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const until = Date.now() + PATIENCE;
    for (;;) {
      while (!existsSync(path) && Date.now() < until) await sleep(10);
      const qemu = new RealQemu(child, connect(path));
      const greeting = await qemu.heardUntil((text) => text.endsWith('\r\n'));
      if (greeting !== '') return { qemu, greeting, monitor };
      if (Date.now() > until) throw new Error(`nobody answers on ${path}`); // the file comes before somebody listens
    }
  }

  /** A letter is a byte. */
  write(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** What comes until it is enough, or until QEMU closes the connection. Throws when that takes too long. */
  async heardUntil(enough: (text: string) => boolean): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer for ${PATIENCE} ms; so far: ${this.#heard.slice(-200)}`)),
        PATIENCE,
      );
      this.#news = () => {
        if (!this.#closed && !enough(this.#heard)) return;
        clearTimeout(timer);
        resolve();
      };
      this.#news();
    });
    const text = this.#heard;
    this.#heard = '';
    return text;
  }

  get closed(): boolean {
    return this.#closed;
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

let sockets = 0;

/** A test that fails may leave one. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
