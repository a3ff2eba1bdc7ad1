/** `1 byte`, `2084 bytes`. */
export const byteCount = (count: number): string => plural(count, 'byte');

/** `1 file`, `3 files`; `one` is the noun for one. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}

/** Sentences with a space between; those that are empty or absent are left out. */
export const sentences = (...parts: readonly (string | undefined | false)[]): string =>
  parts.filter((part) => part !== undefined && part !== false && part !== '').join(' ');

/** 32 bits as the specification prints them: `0x37010003`. */
export const hex = (value: number, digits = 1): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** A file's last name. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
