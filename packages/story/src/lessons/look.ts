import type { Selector } from '../selector.ts';

/** What of the page shows best what a text speaks of. */
export type Look =
  /** The step in a sentence, and of a command the checks and the one that decided. */
  | { readonly view: 'checks' }
  /** A structure that the step passes, by its name in STRUCTURES; `of` names another step than the text's own. */
  | { readonly view: 'structure'; readonly name: string; readonly of?: Selector }
  /** Guest memory, as host, guest and devices see it; `length` in bytes. */
  | { readonly view: 'memory'; readonly gpa: string; readonly length: number }
  /** The memory map. */
  | { readonly view: 'map' }
  /** Where a byte of a secret has been; `offset` in bytes. */
  | { readonly view: 'journey'; readonly guid: string; readonly offset: number }
  /** What the guest printed. */
  | { readonly view: 'output' };
