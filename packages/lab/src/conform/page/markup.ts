/** A piece of a page, as it is: whatever was text in it is escaped already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Piece = Markup | string | number | undefined | readonly Piece[];

/** A piece of a page from a template. What stands in its places is text and is escaped, unless it is markup itself. */
export const markup = (fixed: TemplateStringsArray, ...pieces: readonly Piece[]): Markup =>
  new Markup(fixed.reduce((whole, part, i) => whole + textOf(pieces[i - 1]) + part));

function textOf(piece: Piece): string {
  if (piece === undefined) return '';
  if (piece instanceof Markup) return piece.text;
  return typeof piece === 'object' ? piece.map(textOf).join('') : escaped(String(piece));
}

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
};

/** As text or quoted attribute. Characters that HTML has no place for become U+FFFD. */
const escaped = (text: string): string =>
  text
    .replace(/[^\t\n\u{20}-\u{7e}\u{a0}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (letter) => ENTITIES[letter]!);
