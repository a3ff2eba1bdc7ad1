import type { Terminal } from '@xterm/xterm';
import { useEffect, useRef } from 'preact/hooks';
import { post } from '../api.ts';

interface TerminalPanelProps {
  readonly id: string;
  /** What the guest showed so far, in pieces. */
  readonly output: readonly string[];
  /** Whether a shell reads what is typed. */
  readonly running: boolean;
}

/** The guest's terminal. Its program is loaded when a terminal opens. */
export function TerminalPanel({ id, output, running }: TerminalPanelProps) {
  const box = useRef<HTMLDivElement>(null);
  const terminal = useRef<Terminal>();
  const written = useRef(0);
  const latest = useRef(output);
  latest.current = output;

  useEffect(() => {
    const element = box.current;
    if (!running || element === null) return;
    let closed = false;
    let close = () => {};
    void open(element, id).then(({ terminal: opened, dispose }) => {
      if (closed) return dispose();
      close = dispose;
      terminal.current = opened;
      written.current = 0;
      show(opened, latest.current, written);
      opened.focus();
    });
    return () => {
      closed = true;
      terminal.current = undefined;
      close();
    };
  }, [id, running]);

  useEffect(() => {
    if (terminal.current !== undefined) show(terminal.current, output, written);
  }, [output]);

  if (!running) return <p class="empty">The guest does not run yet: boot it, and its shell is here.</p>;
  return <div ref={box} class="guest-terminal" />;
}

function show(terminal: Terminal, output: readonly string[], written: { current: number }): void {
  for (const piece of output.slice(written.current)) terminal.write(piece);
  written.current = output.length;
}

/** A terminal in an element, whose keys go to the session. */
async function open(element: HTMLElement, id: string): Promise<{ terminal: Terminal; dispose: () => void }> {
  const [{ Terminal }, { FitAddon }] = await Promise.all([
    import('@xterm/xterm'),
    import('@xterm/addon-fit'),
  ]);
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const terminal = new Terminal({
    fontFamily: color('--mono'),
    fontSize: 14,
    screenReaderMode: true,
    convertEol: false,
    theme: { background: color('--paper'), foreground: color('--ink'), cursor: color('--ink') },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(element);
  fit.fit();
  const keys = new KeyQueue(id);
  keys.send({ columns: terminal.cols });
  terminal.onData((input) => keys.send({ input }));
  terminal.onResize(({ cols }) => keys.send({ columns: cols }));
  const sizes = new ResizeObserver(() => fit.fit());
  sizes.observe(element);
  return {
    terminal,
    dispose: () => {
      sizes.disconnect();
      terminal.dispose();
    },
  };
}

interface Keys {
  readonly input?: string;
  readonly columns?: number;
}

/** Bytes of one request to the terminal. */
const INPUT_MAX = 4096;

/** Sends keys one request after the other, so that they come in the order in which they were pressed. */
class KeyQueue {
  readonly #path: string;
  readonly #waiting: Keys[] = [];
  #sending = false;

  constructor(id: string) {
    this.#path = `sessions/${id}/terminal`;
  }

  send(keys: Keys): void {
    const last = this.#waiting.at(-1);
    // what piles up while a request is under way goes together
    if (
      keys.input !== undefined &&
      last?.input !== undefined &&
      last.input.length + keys.input.length < INPUT_MAX / 4
    ) {
      this.#waiting[this.#waiting.length - 1] = { input: last.input + keys.input };
    } else this.#waiting.push(...pieces(keys));
    if (!this.#sending) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    try {
      for (let keys = this.#waiting.shift(); keys !== undefined; keys = this.#waiting.shift())
        await post(this.#path, keys);
    } catch {
      this.#waiting.length = 0; // the view tells that the lab is gone or the session over
    } finally {
      this.#sending = false;
    }
  }
}

/** What is pasted may be long: in pieces of which each fits a request, whatever its characters are. */
function pieces({ input, columns }: Keys): Keys[] {
  if (input === undefined) return columns === undefined ? [] : [{ columns }];
  const characters = [...input];
  const found: Keys[] = [];
  for (let i = 0; i < characters.length; i += INPUT_MAX / 4) {
    found.push({ input: characters.slice(i, i + INPUT_MAX / 4).join('') });
  }
  return found;
}
