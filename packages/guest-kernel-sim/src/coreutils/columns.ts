/** Of the narrowest column, with the two blanks behind it. */
const NARROWEST = 3;
const TAB = 8;

/**
 * Names from top to bottom, then from left to right, in as many columns as fit into `width`, with tabs between them
 * where they save blanks (`ls -C`, coreutils 9.1). One column at least.
 */
export function inColumns(cells: readonly string[], width: number): string {
  const most = Math.min(cells.length, Math.max(1, Math.ceil(width / NARROWEST)));
  let layout: Layout = { columns: [], rows: cells.length };
  for (let count = most; count > 0; count--) {
    layout = layOut(cells, count);
    const total = layout.columns.reduce((sum, column) => sum + column, 0);
    if (total < width) break;
  }
  const { columns, rows } = layout;
  return Array.from({ length: rows }, (_, row) => {
    let line = '';
    let start = 0;
    for (let column = 0, at = row; at < cells.length; column++, at += rows) {
      const cell = cells[at]!;
      line += cell;
      if (at + rows < cells.length) line += indent(start + cell.length, start + columns[column]!);
      start += columns[column]!;
    }
    return `${line}\n`;
  }).join('');
}

interface Layout {
  /** Widths, with the blanks behind. */
  readonly columns: readonly number[];
  readonly rows: number;
}

function layOut(cells: readonly string[], count: number): Layout {
  const rows = Math.ceil(cells.length / count);
  const columns = Array.from({ length: count }, () => NARROWEST);
  cells.forEach((cell, i) => {
    const column = Math.floor(i / rows);
    const blanks = column === count - 1 ? 0 : 2;
    columns[column] = Math.max(columns[column]!, cell.length + blanks);
  });
  return { columns, rows };
}

function indent(from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; ) {
    const useTab = Math.floor(to / TAB) > Math.floor((at + 1) / TAB);
    text += useTab ? '\t' : ' ';
    at += useTab ? TAB - (at % TAB) : 1;
  }
  return text;
}
