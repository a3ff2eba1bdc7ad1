import { useLayoutEffect, useRef } from 'preact/hooks';

/** What a key does; by the key's name as the browser says it. */
export type Keys = Readonly<Record<string, () => void>>;

/** Keys that work everywhere on the page but where one types, and where an element has taken the key for itself. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useLayoutEffect(() => {
    // before anything is shown: whoever sees the page may press a key
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || takesItself(event))
        return;
      const act = Object.hasOwn(latest.current, event.key) ? latest.current[event.key] : undefined;
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

/** A field takes every key, a button the space bar and Enter. */
function takesItself({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest('input, textarea, select, [contenteditable], .terminal, [data-own-keys]') !== null)
    return true;
  return (key === ' ' || key === 'Enter') && target.closest('button, a, summary') !== null;
}
