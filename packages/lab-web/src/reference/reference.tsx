import { routeHash } from '../route.ts';
import { Statuses } from './statuses.tsx';
import { StructureReference } from './structure-reference.tsx';
import { Words } from './words.tsx';

const TOPICS = [
  { id: 'words', title: 'Words and colours' },
  { id: 'statuses', title: 'Statuses' },
  { id: 'structures', title: 'Structures' },
] as const;

/** What a reader looks up. */
export function Reference({ topic = 'words' }: { readonly topic?: string | undefined }) {
  const [page, detail] = topic.split('/', 2);
  return (
    <div class="reading reference">
      <nav aria-label="Reference">
        <ul class="topics">
          {TOPICS.map(({ id, title }) => (
            <li key={id}>
              <a
                href={routeHash({ view: 'reference', topic: id })}
                aria-current={id === page ? 'page' : undefined}
              >
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {page === 'statuses' ? (
        <Statuses />
      ) : page === 'structures' ? (
        <StructureReference name={detail} />
      ) : (
        <Words />
      )}
    </div>
  );
}
