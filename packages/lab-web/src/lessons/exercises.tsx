import { checkExercise, type Exercise, solutionOf } from '@sevlab/story/lessons/exercise';
import { EXERCISES } from '@sevlab/story/lessons/exercises';
import { useState } from 'preact/hooks';
import { ApiError, postText } from '../api.ts';
import { type LoadedTrace, loadTrace } from '../loaded-trace.ts';
import { Player } from '../player/player.tsx';
import { type PlayerPlace, routeHash } from '../route.ts';

/** Launches with a fault in them, to be mended; each says by itself whether it is. */
export function Exercises({ lesson }: { readonly lesson?: string | undefined }) {
  const exercise = EXERCISES.find(({ id }) => id === lesson);
  return exercise === undefined ? <ExerciseList /> : <ExerciseOf key={exercise.id} exercise={exercise} />;
}

const ExerciseList = () => (
  <div class="reading">
    <h2>Exercises</h2>
    <p>Each is a launch with a fault in it. Change the file, run it, and see what came of it.</p>
    <ol class="cards">
      {EXERCISES.map(({ id, title, task }) => (
        <li key={id}>
          <a href={routeHash({ view: 'exercises', lesson: id })}>
            <h3>{title}</h3>
            <p>{task[0]}</p>
          </a>
        </li>
      ))}
    </ol>
  </div>
);

/** What a run should have given and did not; `step` from 0. */
interface Deviation {
  readonly step: number;
  readonly line: number;
  readonly expected: string;
  readonly actual: string;
  readonly cause?: string;
}

/** What `POST /api/runs` answers. */
interface RunReply {
  readonly passed: boolean;
  readonly deviations: readonly Deviation[];
  readonly trace: string;
}

interface Result {
  readonly trace: LoadedTrace;
  readonly solved: boolean;
  readonly unmet: readonly string[];
  readonly deviations: readonly Deviation[];
}

function ExerciseOf({ exercise }: { readonly exercise: Exercise }) {
  const [text, setText] = useState(exercise.start);
  const [hints, setHints] = useState(0);
  const [running, setRunning] = useState(false);
  const [failure, setFailure] = useState('');
  const [result, setResult] = useState<Result>();
  const [at, setAt] = useState<PlayerPlace>({ step: 0 });
  const run = async () => {
    setRunning(true);
    setFailure('');
    try {
      const reply = await postText<RunReply>('runs', text);
      const trace = loadTrace(reply.trace);
      setResult({
        trace,
        deviations: reply.deviations,
        ...checkExercise(exercise, { passed: reply.passed, events: trace.events }),
      });
      setAt({ step: trace.steps.length - 1, panel: 'output' });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFailure(error.message);
    } finally {
      setRunning(false);
    }
  };
  const beside = (
    <article class="lesson exercise">
      <p class="clause">
        <a href={routeHash({ view: 'exercises' })}>Exercises</a>
      </p>
      <h2>{exercise.title}</h2>
      {exercise.task.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <label class="editor">
        <span>{exercise.id}.yaml</span>
        <textarea
          spellcheck={false}
          autocapitalize="off"
          rows={18}
          value={text}
          aria-invalid={failure !== ''}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <p class="onward">
        <button type="button" class="primary" disabled={running} onClick={() => void run()}>
          {running ? 'Running…' : 'Run'}
        </button>
        <button type="button" disabled={hints === exercise.hints.length} onClick={() => setHints(hints + 1)}>
          Hint
        </button>
        <button type="button" class="quiet" onClick={() => setText(exercise.start)}>
          Start over
        </button>
        <button type="button" class="quiet" onClick={() => setText(solutionOf(exercise))}>
          Solution
        </button>
      </p>
      {exercise.hints.slice(0, hints).map((hint) => (
        <p key={hint} class="look">
          {hint}
        </p>
      ))}
      <div role="status">
        {failure && <p class="notice">{failure}</p>}
        {result && !failure && <Outcome result={result} />}
      </div>
    </article>
  );
  if (result === undefined) return <div class="reading">{beside}</div>;
  return (
    <Player trace={result.trace} at={at} onPlace={setAt} wide>
      {beside}
    </Player>
  );
}

const Outcome = ({ result: { solved, unmet, deviations } }: { readonly result: Result }) => (
  <>
    <p class={`answer ${solved ? 'success' : 'failure'}`}>
      <code>{solved ? '✔ Solved' : '✘ Not yet'}</code>
    </p>
    <ul class="unmet">
      {unmet.map((what) => (
        <li key={what}>{what}</li>
      ))}
    </ul>
    {deviations.map((deviation) => (
      <pre key={deviation.step} class="deviation">
        line {deviation.line}: expected {deviation.expected}, got {deviation.actual}
        {deviation.cause && `\n${deviation.cause}`}
      </pre>
    ))}
  </>
);
