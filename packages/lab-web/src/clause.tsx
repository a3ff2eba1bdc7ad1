import { sourceOf } from '@sevlab/story/clause-source';

/** A clause, and the way to its document. */
export function Clause({ clause }: { readonly clause: string }) {
  const source = sourceOf(clause);
  return (
    <span class="clause">
      {source === undefined ? (
        clause
      ) : (
        <a href={source} target="_blank" rel="noreferrer">
          {clause}
        </a>
      )}
    </span>
  );
}
