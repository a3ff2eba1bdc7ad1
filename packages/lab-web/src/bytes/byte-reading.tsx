import type { HexField } from './hex-view.tsx';
import { NATURE_WORDS, type Nature } from './nature.ts';
import { readingsAt } from './reading.ts';

interface ByteReadingProps {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly base: bigint;
  readonly field: HexField | undefined;
  readonly nature: Nature | undefined;
}

/** The chosen byte: where it is, of which field, and what it is as a number. */
export function ByteReading({ bytes, offset, base, field, nature }: ByteReadingProps) {
  return (
    <section class="byte-reading" aria-label="The chosen byte" tabIndex={0}>
      <p>
        <code>0x{(base + BigInt(offset)).toString(16)}</code>
        {field && (
          <>
            {' '}
            <b>{field.name}</b>, byte {offset - field.offset + 1} of {field.length}, {field.type}
          </>
        )}
        {nature && nature !== 'plain' && <em> {NATURE_WORDS[nature]}</em>}
      </p>
      {field?.doc && <p>{field.doc}</p>}
      {nature !== 'unknown' && (
        <table>
          <thead>
            <tr>
              <td />
              <th scope="col">little-endian</th>
              <th scope="col">big-endian</th>
            </tr>
          </thead>
          <tbody>
            {readingsAt(bytes, offset).map(({ type, little, big }) => (
              <tr key={type}>
                <th scope="row">{type}</th>
                <td>{little}</td>
                <td>{big}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
