import { useEffect, useState } from 'preact/hooks';

/** Steps forward by itself while it plays: `speed` steps in two seconds. It stops where there is nothing ahead. */
export function usePlaying(forward: (() => void) | undefined, speed: number) {
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!playing) return;
    if (forward === undefined) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(forward, 2000 / speed);
    return () => clearTimeout(timer);
  }, [playing, forward, speed]);
  return [playing, setPlaying] as const;
}
