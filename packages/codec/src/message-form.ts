/** The names of the places `{name}` in a form. */
type PlacesOf<Form extends string> = Form extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PlacesOf<Rest>
  : never;

/** What stands in the places of a form. */
export type Places<Form extends string> = Readonly<Record<PlacesOf<Form>, string | number | bigint>>;

/** A program's message: a form such as `SEV: mnonce must be 16 bytes (got {length})`, with these in its places. */
export const fillForm = <const Form extends string>(form: Form, places: Places<Form>): string =>
  form.replace(PLACE, (_, name: string) => String((places as Record<string, unknown>)[name])); // by their names

/** What stands in the places, where a text has a message of this form in it; a place at the end takes all that follows. */
export function readForm(form: string, text: string): Readonly<Record<string, string>> | undefined {
  const { pattern, landmark } = readerOf(form);
  const match = text.includes(landmark) ? pattern.exec(text) : null;
  return match === null ? undefined : { ...match.groups };
}

/** How much of a form is fixed, in characters: of several that fit, the one with most says most. */
export const fixedLength = (form: string): number => form.replace(PLACE, '').length;

const PLACE = /\{(\w+)\}/g;

/** How a form is found: its longest fixed part is looked for first. */
interface Reader {
  readonly pattern: RegExp;
  readonly landmark: string;
}

const readers = new Map<string, Reader>();

function readerOf(form: string): Reader {
  let reader = readers.get(form);
  if (reader === undefined) {
    reader = makeReader(form);
    readers.set(form, reader);
  }
  return reader;
}

function makeReader(form: string): Reader {
  const parts = form.split(/(\{\w+\})/); // fixed ones and places by turns
  const seen = new Set<string>();
  const source = parts.map((part, i) => {
    if (i % 2 === 0) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    const name = part.slice(1, -1);
    if (seen.has(name)) return `\\k<${name}>`;
    seen.add(name);
    const isLast = i === parts.length - 2 && parts.at(-1) === '';
    return `(?<${name}>.*${isLast ? '' : '?'})`;
  });
  const fixed = parts.filter((_, i) => i % 2 === 0);
  const landmark = fixed.reduce((longest, part) => (part.length > longest.length ? part : longest), '');
  return { pattern: new RegExp(source.join(''), 's'), landmark };
}
