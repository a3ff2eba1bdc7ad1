/** Fewer samples than this tell nothing. */
const SAMPLES = 8;
/** What collectors and caches may make of equal states. Bytes. */
const NOISE = 4 * 1024 * 1024;

/**
 * By how many bytes what is held grew after the warm-up, which is the first half: the least of the last quarter above
 * the most of the quarter before the middle. 0 for growth within the noise; undefined for too few samples.
 */
export function growthOf(samples: readonly number[]): number | undefined {
  if (samples.length < SAMPLES) return undefined;
  const quarter = Math.floor(samples.length / 4);
  const warm = Math.max(...samples.slice(quarter, 2 * quarter));
  const end = Math.min(...samples.slice(-quarter));
  return end - warm > NOISE ? end - warm : 0;
}
