import type { Step } from '@sevlab/story/steps';
import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../icon.tsx';

interface TransportProps {
  readonly step: Step;
  readonly total: number;
  readonly onStep: (step: number) => void;
  readonly onForward: () => void;
  readonly onBack: () => void;
  readonly playing: boolean;
  readonly onPlaying: (playing: boolean) => void;
  readonly speed: number;
  readonly onSpeed: (speed: number) => void;
}

/** Forward, back, jump, play, and how fast. */
export function Transport(props: TransportProps) {
  const { step, total, onStep, onForward, onBack, playing, onPlaying, speed, onSpeed } = props;
  const last = total - 1;
  return (
    <section class="transport" aria-label="Player">
      <span class="buttons">
        <button
          type="button"
          onClick={() => onStep(0)}
          disabled={step.index === 0}
          title="First step (Home)"
          aria-label="First step"
        >
          <Icon name="first" />
        </button>
        <button type="button" onClick={onBack} disabled={step.index === 0} title="Back (←)" aria-label="Back">
          <Icon name="back" />
        </button>
        <button
          type="button"
          class="play"
          onClick={() => onPlaying(!playing)}
          aria-pressed={playing}
          title="Play or pause (Space)"
        >
          <Icon name={playing ? 'pause' : 'play'} /> {playing ? 'Pause' : 'Play'}
        </button>
        <button
          type="button"
          onClick={onForward}
          disabled={step.index === last}
          title="Forward (→)"
          aria-label="Forward"
        >
          <Icon name="forward" />
        </button>
        <button
          type="button"
          onClick={() => onStep(last)}
          disabled={step.index === last}
          title="Last step (End)"
          aria-label="Last step"
        >
          <Icon name="last" />
        </button>
      </span>
      <label class="jump" for="step-number">
        step <StepField step={step.index} last={last} onStep={onStep} /> / {total}
      </label>
      <p class="now" aria-live="polite">
        {step.title}
      </p>
      <label class="speed">
        speed
        <input
          type="range"
          min="0.5"
          max="4"
          step="0.5"
          value={speed}
          aria-valuetext={`${speed} steps in two seconds`}
          onInput={({ currentTarget }) => onSpeed(Number(currentTarget.value))}
        />
      </label>
    </section>
  );
}

/** The number of the step, counted from 1; what is typed is followed when it is one. */
function StepField({ step, last, onStep }: { step: number; last: number; onStep: (step: number) => void }) {
  const [text, setText] = useState(String(step + 1));
  useEffect(() => setText(String(step + 1)), [step]);
  return (
    <input
      id="step-number"
      type="number"
      min="1"
      max={last + 1}
      value={text}
      onInput={({ currentTarget }) => {
        setText(currentTarget.value);
        const wanted = Number(currentTarget.value) - 1;
        if (Number.isInteger(wanted) && wanted >= 0 && wanted <= last) onStep(wanted);
      }}
      onBlur={() => setText(String(step + 1))}
    />
  );
}
