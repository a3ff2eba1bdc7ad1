/** The part of xterm that a line discipline needs: what stands where, and where the cursor is. */
export class VirtualScreen {
  readonly #columns: number;
  readonly #rows: string[][] = [[]];
  #row = 0;
  #column = 0;
  /** A character stands in the last column, and the next one goes to the next row. */
  #wraps = false;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Rows as text, without blanks at their ends, and those below the last one that has any. */
  get text(): string[] {
    const rows = this.#rows.map((row) =>
      Array.from(row, (cell) => cell ?? ' ')
        .join('')
        .trimEnd(),
    );
    while (rows.length > 0 && rows.at(-1) === '') rows.pop();
    return rows;
  }

  get cursor(): { readonly row: number; readonly column: number } {
    return { row: this.#row, column: this.#column };
  }

  /** Throws for what it does not know. */
  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
    for (const [piece] of text.matchAll(/\x1b\[\d*[A-Za-z]|[\s\S]/gu)) this.#take(piece);
  }

  #take(piece: string): void {
    if (piece.startsWith('\x1b[')) this.#control(piece.at(-1) ?? '', Number(piece.slice(2, -1) || '0'));
    else if (piece === '\r') this.#moveTo(this.#row, 0);
    else if (piece === '\n') this.#moveTo(this.#row + 1, this.#column);
    else if (piece === '\b') this.#moveTo(this.#row, Math.max(0, this.#column - 1));
    else if (piece === '\x07') return;
    else if (piece < ' ' || piece === '\x7f')
      throw new Error(`control character ${piece.charCodeAt(0)} on the screen`);
    else this.#print(piece);
  }

  #print(character: string): void {
    if (this.#wraps) this.#moveTo(this.#row + 1, 0);
    this.#rows[this.#row]![this.#column] = character;
    this.#wraps = this.#column === this.#columns - 1;
    if (!this.#wraps) this.#column++;
  }

  #moveTo(row: number, column: number): void {
    this.#wraps = false;
    this.#row = row;
    this.#column = column;
    while (this.#rows.length <= row) this.#rows.push([]);
  }

  #control(letter: string, parameter: number): void {
    const count = Math.max(1, parameter);
    const [row, column] = [this.#row, this.#column];
    if (letter === 'A') this.#moveTo(Math.max(0, row - count), column);
    else if (letter === 'B') this.#moveTo(row + count, column);
    else if (letter === 'C') this.#moveTo(row, Math.min(this.#columns - 1, column + count));
    else if (letter === 'D') this.#moveTo(row, Math.max(0, column - count));
    else if (letter === 'H') this.#moveTo(0, 0);
    else if (letter === 'J' && parameter === 2) for (const cells of this.#rows) cells.splice(0);
    else if (letter === 'J') {
      this.#rows[row]?.splice(column);
      this.#rows.length = row + 1;
    } else throw new Error(`ESC [ ${letter} is not known`);
  }
}
