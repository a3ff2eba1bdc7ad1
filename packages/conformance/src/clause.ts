/** Where the text stands that a case is about. */
export interface Clause {
  /** A document, or a source file by its path. */
  readonly document: string;
  /** A title in it, or a symbol. */
  readonly title: string;
}

/** The two parts of a clause: `55766, LAUNCH_SECRET` or `fs/namei.c: may_delete`. */
export function clauseOf(clause: string): Clause {
  const [, document = clause, title = ''] = /^(\S+\/\S+|[^,]+)(?:: |, )(.*)$/.exec(clause) ?? [];
  return { document, title };
}
