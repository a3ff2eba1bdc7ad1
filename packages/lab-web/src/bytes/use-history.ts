import { MemoryHistory } from '@sevlab/story/memory-history';
import { useMemo } from 'preact/hooks';
import type { LoadedTrace } from '../loaded-trace.ts';

/** Memory of the trace through time, built once. */
export const useHistory = ({ events }: LoadedTrace): MemoryHistory =>
  useMemo(() => new MemoryHistory(events), [events]);
