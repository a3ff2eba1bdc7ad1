import { ATTACK_LESSONS } from '@sevlab/story/lessons/attacks';
import type { AttackLesson } from '@sevlab/story/lessons/lesson';
import { stepOf } from '@sevlab/story/selector';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Clause } from '../clause.tsx';
import { Glyph } from '../glyph.tsx';
import type { LoadedTrace } from '../loaded-trace.ts';
import { ACTOR_NAMES, partyOf } from '../player/lanes.ts';
import { Player } from '../player/player.tsx';
import { type Route, routeHash } from '../route.ts';
import { FromLab } from '../shell/from-lab.tsx';
import { placeOfLook } from './look.ts';
import { useScenario } from './use-scenario.ts';

type AttacksRoute = Extract<Route, { readonly view: 'attacks' }>;

interface AttacksProps {
  readonly route: AttacksRoute;
  readonly go: (route: Route, how?: 'replace') => void;
}

/** Attacks: what will happen is asked before it is shown. */
export function Attacks({ route, go }: AttacksProps) {
  const lesson = ATTACK_LESSONS.find(({ id }) => id === route.lesson);
  return lesson === undefined ? (
    <AttackList />
  ) : (
    <Attack key={lesson.id} lesson={lesson} route={route} go={go} />
  );
}

const AttackList = () => (
  <div class="reading">
    <h2>Attacks</h2>
    <p>The host is the attacker. Say first what will happen, then see the run.</p>
    <ol class="cards">
      {ATTACK_LESSONS.map(({ id, title, situation }) => (
        <li key={id}>
          <a href={routeHash({ view: 'attacks', lesson: id })}>
            <h3>{title}</h3>
            <p>{situation[0]}</p>
          </a>
        </li>
      ))}
    </ol>
  </div>
);

function Attack({ lesson, route, go }: AttacksProps & { readonly lesson: AttackLesson }) {
  const loaded = useScenario(lesson.scenario);
  return (
    <FromLab loaded={loaded}>
      {(trace) => <AttackOf trace={trace} lesson={lesson} route={route} go={go} />}
    </FromLab>
  );
}

function AttackOf({
  trace,
  lesson,
  route,
  go,
}: AttacksProps & { readonly trace: LoadedTrace; readonly lesson: AttackLesson }) {
  const [chosen, setChosen] = useState<string>();
  const revealed = chosen !== undefined;
  const start = stepOf(trace.steps, trace.events, lesson.upTo)?.index ?? 0;
  const { reveal } = lesson;
  const end = stepOf(trace.steps, trace.events, reveal.at)?.index ?? trace.steps.length - 1;
  const place = revealed ? { step: end, ...placeOfLook(reveal.look) } : { step: start };
  // before the answer the run is shown up to the attack: what comes of it stays hidden
  const shown = useMemo(
    () => (revealed ? trace : { ...trace, steps: trace.steps.slice(0, start + 1) }),
    [trace, revealed, start],
  );
  const predict = (id: string) => {
    setChosen(id);
    go({ view: 'attacks', lesson: lesson.id }, 'replace');
  };
  const number = ATTACK_LESSONS.findIndex(({ id }) => id === lesson.id);
  const next = ATTACK_LESSONS[number + 1];
  return (
    <Player
      trace={shown}
      at={route.at ?? place}
      onPlace={(at) => go({ view: 'attacks', lesson: lesson.id, at }, 'replace')}
    >
      <article class="lesson">
        <p class="clause">
          <a href={routeHash({ view: 'attacks' })}>Attacks</a> · {number + 1} of {ATTACK_LESSONS.length}
        </p>
        <h2>{lesson.title}</h2>
        {lesson.situation.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        <Question lesson={lesson} chosen={chosen} onChoose={predict} />
        {revealed && <RevealText lesson={lesson} />}
        {revealed && (
          <p class="onward">
            {lesson.remedied && (
              <a
                class="button"
                href={routeHash({ view: 'play', scenario: lesson.remedied, at: { step: 0 } })}
              >
                With the remedy
              </a>
            )}
            {next && (
              <a class="button primary" href={routeHash({ view: 'attacks', lesson: next.id })}>
                Next attack
              </a>
            )}
          </p>
        )}
      </article>
    </Player>
  );
}

interface QuestionProps {
  readonly lesson: AttackLesson;
  readonly chosen: string | undefined;
  readonly onChoose: (id: string) => void;
}

const Question = ({ lesson, chosen, onChoose }: QuestionProps) => (
  <fieldset class="question">
    <legend>{lesson.question}</legend>
    {lesson.predictions.map(({ id, text, reply }) => (
      <div key={id} class={chosen === undefined ? '' : id === lesson.right ? 'right' : 'wrong'}>
        <button
          type="button"
          aria-pressed={id === chosen}
          disabled={chosen !== undefined}
          onClick={() => onChoose(id)}
        >
          {chosen !== undefined && (id === lesson.right ? '✔ ' : id === chosen ? '✘ ' : '')}
          {text}
        </button>
        {id === chosen && <p role="status">{reply}</p>}
      </div>
    ))}
  </fieldset>
);

function RevealText({ lesson: { reveal } }: { readonly lesson: AttackLesson }) {
  const section = useRef<HTMLElement>(null);
  useEffect(() => section.current?.scrollIntoView({ block: 'nearest' }), []);
  return (
    <section ref={section} aria-label="What happened" class="reveal">
      <p
        class={`verdict ${reveal.caughtBy === 'nobody' ? 'party-host' : `party-${partyOf(reveal.caughtBy)}`}`}
      >
        {reveal.caughtBy === 'nobody' ? (
          <>
            <Glyph party="host" /> Nobody noticed
          </>
        ) : (
          <>
            <Glyph party={partyOf(reveal.caughtBy)} /> Caught: {ACTOR_NAMES[reveal.caughtBy]}
          </>
        )}
      </p>
      {reveal.check && (
        <p>
          Check: <q>{reveal.check}</q>
        </p>
      )}
      {reveal.text.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <h3>{reveal.caughtBy === 'nobody' ? 'What would have caught it' : 'What keeps it so'}</h3>
      <p>{reveal.remedy}</p>
      <p>
        <Clause clause={reveal.clause} />
      </p>
    </section>
  );
}
