import { Structures } from '@sevlab/story/structures';
import { useMemo } from 'preact/hooks';
import type { LoadedTrace } from '../loaded-trace.ts';
import { useHistory } from './use-history.ts';

/** What passes in each step of the trace; each step is looked at when it is asked for. */
export function useStructures(trace: LoadedTrace): Structures {
  const history = useHistory(trace);
  return useMemo(() => new Structures(trace.events, history), [trace, history]);
}
