import type { Progress } from './campaign.ts';

/** A terminal is told often, a file seldom. Milliseconds. */
const OFTEN = 200;
const SELDOM = 10_000;

type Screen = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean };

/** Tells a person how far a campaign is: on one line of a terminal, or a line now and then. */
export function createTeller(screen: Screen): { tell: (progress: Progress) => void; end: () => void } {
  const terminal = screen.isTTY === true;
  let last = performance.now();
  return {
    tell: (progress) => {
      const now = performance.now();
      if (now - last < (terminal ? OFTEN : SELDOM)) return;
      last = now;
      const text = progressText(progress);
      screen.write(terminal ? `\r${text}\x1b[K` : `${text}\n`);
    },
    end: () => {
      if (terminal) screen.write('\r\x1b[K');
    },
  };
}

/** `12000 of 100000 (12 %), packet, 4321 per second, 2 min left, no failure` */
export function progressText({ door, done, of, failures, perSecond, left }: Progress): string {
  const found = failures === 0 ? 'no failure' : failures === 1 ? '1 failure' : `${failures} failures`;
  const rest = left === undefined ? [] : [`${timeText(left)} left`];
  const part = `${done} of ${of} (${Math.floor((100 * done) / of)} %)`;
  return [part, door, `${Math.round(perSecond)} per second`, ...rest, found].join(', ');
}

/** `40 s`, `3 min`, `2 h 5 min`. Seconds, rounded up. */
function timeText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
