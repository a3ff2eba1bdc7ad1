import { useEffect, useState } from 'preact/hooks';

/** Something that comes from the lab: not there yet, there, or not to be had. */
export type Loaded<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'here'; readonly value: T }
  | { readonly state: 'failed'; readonly reason: string };

/** Loads again whenever `key` changes; an answer that comes too late is dropped. */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<{ key: string; result: Loaded<T> }>({
    key,
    result: { state: 'loading' },
  });
  useEffect(() => {
    let wanted = true;
    load().then(
      (value) => wanted && setLoaded({ key, result: { state: 'here', value } }),
      (error: unknown) =>
        wanted &&
        setLoaded({
          key,
          result: { state: 'failed', reason: error instanceof Error ? error.message : String(error) },
        }),
    );
    return () => {
      wanted = false;
    };
  }, [key]);
  return loaded.key === key ? loaded.result : { state: 'loading' };
}
