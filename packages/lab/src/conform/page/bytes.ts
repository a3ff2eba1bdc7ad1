import { hexRows } from '@sevlab/codec/hexdump';
import type { Annotation } from '@sevlab/codec/layout';
import type { PassedBytes } from '@sevlab/conformance/passage';
import { type Markup, markup } from './markup.ts';

/** Rows of one structure, and bytes of one field or of what is none: more of them are cut, which is said. */
const MOST_ROWS = 24;
const MOST_OF_FIELD = 32;
const MOST_PLAIN = 96;

/** An annotated dump as the codec declares the structure, or the bytes alone. */
export function bytesBlock({ what, bytes, structure, are }: PassedBytes): Markup {
  const annotations = structure?.annotate(bytes) ?? [plain(bytes)];
  const rows = hexRows(annotations.filter(hasBytes).map((each) => cut(each, structure === undefined)));
  const shown = rows
    .slice(0, MOST_ROWS)
    .map(
      ({ offset, bytes: cells, name, value }) =>
        markup`<i>${offset}</i>  ${cells}${name === '' ? '' : markup`\t<b>${name}</b>${value}`}\n`,
    );
  const more = rows.length > MOST_ROWS ? `${rows.length - MOST_ROWS} more rows\n` : '';
  const note = [structure?.name, `${bytes.length} bytes`, are]
    .filter((word) => word !== undefined)
    .join(', ');
  const look = are && markup` class="${are === 'ciphertext' ? 'cipher' : 'secret'}"`;
  return markup`<h5>${what} <small>${note}</small></h5><pre${look}>${shown}${more}</pre>`;
}

const hasBytes = ({ bytes }: Annotation): boolean => bytes.length > 0;

const plain = (bytes: Uint8Array): Annotation => ({
  ...{ name: '', type: 'bytes', offset: 0, size: bytes.length, doc: '', bytes, value: '' },
});

/** The value still tells how long the field is; one that the input cuts off is left, so that this is told. */
function cut(annotation: Annotation, alone: boolean): Annotation {
  const most = alone ? MOST_PLAIN : MOST_OF_FIELD;
  const { bytes, size } = annotation;
  if (bytes.length <= most || bytes.length < size) return annotation;
  return { ...annotation, bytes: bytes.subarray(0, most), size: most };
}
