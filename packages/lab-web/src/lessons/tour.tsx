import type { TourStop } from '@sevlab/story/lessons/lesson';
import { TOUR } from '@sevlab/story/lessons/tour';
import { stepOf } from '@sevlab/story/selector';
import { useMemo } from 'preact/hooks';
import { Glyph } from '../glyph.tsx';
import type { LoadedTrace } from '../loaded-trace.ts';
import { ACTOR_NAMES, partyOf } from '../player/lanes.ts';
import { Player } from '../player/player.tsx';
import { type PlayerPlace, type Route, routeHash } from '../route.ts';
import { FromLab } from '../shell/from-lab.tsx';
import { placeOfLook } from './look.ts';
import { useScenario } from './use-scenario.ts';

interface TourProps {
  readonly route: Extract<Route, { readonly view: 'tour' }>;
  readonly go: (route: Route, how?: 'replace') => void;
}

/** The guided tour: stop by stop from nothing to the shell session of the kernel's documentation. */
export function Tour({ route, go }: TourProps) {
  const loaded = useScenario(TOUR.scenario);
  return <FromLab loaded={loaded}>{(trace) => <TourOf trace={trace} route={route} go={go} />}</FromLab>;
}

function TourOf({ trace, route, go }: TourProps & { readonly trace: LoadedTrace }) {
  const { stops } = TOUR;
  const places = useMemo(() => stops.map((stop) => placeOfStop(trace, stop)), [trace, stops]);
  const index = Math.min(route.stop, stops.length - 1);
  const stop = stops[index]!; // a tour has stops
  const place = places[index]!;
  const to = (next: number) => go({ view: 'tour', stop: next });
  return (
    <Player
      trace={trace}
      at={route.at ?? place}
      onPlace={(at) => go({ view: 'tour', stop: stopAt(places, at) ?? index, at }, 'replace')}
      path={{
        forward: index < stops.length - 1 ? () => to(index + 1) : undefined,
        back: index > 0 ? () => to(index - 1) : undefined,
      }}
    >
      <article class="lesson" aria-live="polite">
        <p class="clause">
          Stop {index + 1} of {stops.length}
        </p>
        <h2>{stop.title}</h2>
        {stop.text.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        <p class="look">{stop.look.sentence}</p>
        <WhoReads readers={stop.readers} />
        <p class="onward">
          <button type="button" disabled={index === 0} onClick={() => to(index - 1)}>
            Back
          </button>
          {index < stops.length - 1 ? (
            <button type="button" class="primary" onClick={() => to(index + 1)}>
              {index === 0 ? 'Begin' : 'Next'}
            </button>
          ) : (
            <a class="button" href={routeHash({ view: 'attacks' })}>
              Now attack it
            </a>
          )}
        </p>
      </article>
      <nav aria-label="Stops of the tour">
        <ol class="stops">
          {stops.map(({ id, title }, i) => (
            <li key={id}>
              <a href={routeHash({ view: 'tour', stop: i })} aria-current={i === index ? 'step' : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ol>
      </nav>
    </Player>
  );
}

const WhoReads = ({ readers: { who, sentence } }: Pick<TourStop, 'readers'>) => (
  <div class="who-reads">
    <h3>Who can read the secret now</h3>
    <p>
      {who.map((actor) => (
        <span key={actor} class={`reader party-${partyOf(actor)}`}>
          <Glyph party={partyOf(actor)} /> {ACTOR_NAMES[actor]}
        </span>
      ))}
    </p>
    <p>{sentence}</p>
  </div>
);

/** Where in the player a stop stands. */
function placeOfStop({ steps, events }: LoadedTrace, { at, look }: TourStop): PlayerPlace {
  const step = stepOf(steps, events, at)?.index ?? 0;
  return { step, ...placeOfLook(look.at) };
}

/** The last stop that is not behind a place: a reader who steps on by himself is still at it. */
function stopAt(places: readonly PlayerPlace[], { step }: PlayerPlace): number | undefined {
  const behind = places.filter((place) => place.step <= step);
  return behind.length === 0 ? undefined : behind.length - 1;
}
