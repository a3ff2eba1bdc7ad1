const ESCAPE = 0x01;

/** Behind ^A a key is for sevlab, as behind QEMU's `mon:stdio`: x ends it, h tells the keys, ^A or a is ^A itself. */
export const ESCAPE_HELP = '^A x ends sevlab   ^A ^A sends ^A   ^A h this help';

/** What sevlab does when it is told to. */
export interface EscapeCommands {
  quit(): void;
  help(): void;
}

/** Takes out of what is typed the keys that are for sevlab. */
export class EscapeKeys {
  readonly #commands: EscapeCommands;
  #escaped = false;

  constructor(commands: EscapeCommands) {
    this.#commands = commands;
  }

  /** Returns what is for the guest. Keys may come in any portions. */
  take(bytes: Uint8Array): Uint8Array {
    const kept = Array.from(bytes).flatMap((byte) => {
      if (!this.#escaped) {
        this.#escaped = byte === ESCAPE;
        return this.#escaped ? [] : [byte];
      }
      this.#escaped = false;
      const key = String.fromCharCode(byte).toLowerCase();
      if (key === 'x') this.#commands.quit();
      if (key === 'h' || key === '?') this.#commands.help();
      return key === 'a' || byte === ESCAPE ? [ESCAPE] : [];
    });
    return Uint8Array.from(kept);
  }
}
