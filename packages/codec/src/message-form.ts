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
  return patternOf(form).exec(text)?.groups ?? (patternOf(form).test(text) ? {} : undefined);
}

/** How much of a form is fixed, in characters: of several that fit, the one with most says most. */
export const fixedLength = (form: string): number => form.replace(PLACE, '').length;

const PLACE = /\{(\w+)\}/g;
const patterns = new Map<string, RegExp>();

function patternOf(form: string): RegExp {
  const known = patterns.get(form);
  if (known !== undefined) return known;
  const seen = new Set<string>();
  const source = form
    .split(/(\{\w+\})/)
    .map((part, i, parts) => {
      if (i % 2 === 0) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
      const name = part.slice(1, -1);
      if (seen.has(name)) return `\\k<${name}>`;
      seen.add(name);
      return `(?<${name}>.*${i === parts.length - 2 && parts.at(-1) === '' ? '' : '?'})`;
    })
    .join('');
  const pattern = new RegExp(source, 's');
  patterns.set(form, pattern);
  return pattern;
}
