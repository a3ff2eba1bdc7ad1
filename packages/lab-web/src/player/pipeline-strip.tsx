import { STAGES } from '@sevlab/story/stages';
import type { Step } from '@sevlab/story/steps';
import { Glyph } from '../glyph.tsx';
import { partyOf } from './lanes.ts';

interface PipelineStripProps {
  readonly steps: readonly Step[];
  readonly step: number;
  readonly onStep: (step: number) => void;
}

/** The whole pipeline, small: its stages, and where the reader is. */
export function PipelineStrip({ steps, step, onStep }: PipelineStripProps) {
  const stage = steps[step]?.stage;
  const reached = STAGES.findIndex(({ id }) => id === stage);
  return (
    <nav class="strip" aria-label="Stages of the pipeline">
      <ol>
        {STAGES.map(({ id, title, actor }, i) => {
          const first = steps.find((candidate) => candidate.stage === id);
          return (
            <li key={id} class={`party-${partyOf(actor)} ${i < reached ? 'past' : ''}`}>
              <button
                type="button"
                disabled={first === undefined}
                aria-current={id === stage ? 'step' : undefined}
                title={first === undefined ? `${title}: this run does not get there` : title}
                onClick={() => first && onStep(first.index)}
              >
                <Glyph party={partyOf(actor)} />
                <span>{STAGE_WORDS[id]}</span>
              </button>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

const STAGE_WORDS = {
  platform: 'Platform',
  'owner-offer': 'Offer',
  launch: 'Launch',
  'verify-and-seal': 'Verify, seal',
  inject: 'Inject',
  firmware: 'Firmware',
  kernel: 'Kernel',
  'user-space': 'Read, wipe',
} as const;
