import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Bytes that this thread still holds after a full collection: its heap, and buffers outside of it. */
export function liveMemory(): number {
  collect ??= collector();
  collect();
  collect(); // what the first one found may have held buffers
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc !== 'function') throw new Error('this Node.js has no collector that can be called');
  return () => void gc();
}
