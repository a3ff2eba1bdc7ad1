import type { ComponentChildren } from 'preact';
import type { Loaded } from './use-loaded.ts';

interface FromLabProps<T> {
  readonly loaded: Loaded<T>;
  readonly children: (value: T) => ComponentChildren;
}

/** What came from the lab, or why it did not. */
export function FromLab<T>({ loaded, children }: FromLabProps<T>) {
  switch (loaded.state) {
    case 'loading':
      return (
        <p class="reading" aria-busy="true">
          Loading…
        </p>
      );
    case 'failed':
      return (
        <div class="reading">
          <p class="notice" role="alert">
            {loaded.reason}
          </p>
        </div>
      );
    case 'here':
      return <>{children(loaded.value)}</>;
  }
}
