import { useMemo, useState } from 'preact/hooks';
import { Glyph } from '../glyph.tsx';
import { Icon } from '../icon.tsx';
import { type LoadedTrace, shortTitle } from '../loaded-trace.ts';
import { VirtualRows } from '../virtual-rows.tsx';
import { arrowOf } from './arrow.ts';
import { CLOSED_LANES, type Lane, OPEN_LANES, partyOf } from './lanes.ts';
import { type Row, rowOfSteps, rowsOf } from './rows.ts';

interface SequenceProps {
  readonly trace: LoadedTrace;
  /** Index of the step that is shown. */
  readonly step: number;
  readonly onStep: (step: number) => void;
}

const ROW_HEIGHT = 44;

/** The lanes, and every step as an arrow between two of them. */
export function Sequence({ trace, step, onStep }: SequenceProps) {
  const [open, setOpen] = useState(true);
  const lanes = open ? OPEN_LANES : CLOSED_LANES;
  const rows = useMemo(() => rowsOf(trace.steps), [trace]);
  const rowOf = useMemo(() => rowOfSteps(rows), [rows]);
  return (
    <section class="sequence" aria-label="Sequence">
      <LaneHeads lanes={lanes} open={open} onOpen={setOpen} />
      <VirtualRows
        class="sequence-rows"
        role="listbox"
        tabIndex={0}
        aria-label="Steps"
        aria-activedescendant={`step-${step}`}
        count={rows.length}
        rowHeight={ROW_HEIGHT}
        current={rowOf[step]}
        behind={<Rails lanes={lanes} />}
      >
        {(i) => (
          <SequenceRow
            row={rows[i]!}
            lanes={lanes}
            current={step}
            total={trace.steps.length}
            onStep={onStep}
          />
        )}
      </VirtualRows>
    </section>
  );
}

interface LaneHeadsProps {
  readonly lanes: readonly Lane[];
  readonly open: boolean;
  readonly onOpen: (open: boolean) => void;
}

const LaneHeads = ({ lanes, open, onOpen }: LaneHeadsProps) => (
  <div class="lane-heads" style={{ '--lanes': lanes.length }}>
    {lanes.map(({ id, party, title }) => (
      <div key={id} class={`lane-head party-${party}`}>
        <Glyph party={party} />
        <span>{title}</span>
        {id === lanes.at(-1)?.id && (
          <button
            type="button"
            class="lane-opener quiet"
            aria-pressed={open}
            aria-label="Guest as three lanes"
            title={open ? 'Show the guest as one lane' : 'Open the guest: firmware, kernel, user space'}
            onClick={() => onOpen(!open)}
          >
            <Icon name={open ? 'narrow' : 'widen'} />
          </button>
        )}
      </div>
    ))}
  </div>
);

const Rails = ({ lanes }: { readonly lanes: readonly Lane[] }) => (
  <div class="rails" aria-hidden="true" style={{ '--lanes': lanes.length }}>
    {lanes.map(({ id, party }) => (
      <div key={id} class={`rail party-${party}`} />
    ))}
  </div>
);

interface SequenceRowProps {
  readonly row: Row;
  readonly lanes: readonly Lane[];
  readonly current: number;
  readonly total: number;
  readonly onStep: (step: number) => void;
}

function SequenceRow({ row, lanes, current, total, onStep }: SequenceRowProps) {
  if ('stage' in row) {
    return (
      <div class={`stage-row party-${partyOf(row.stage.actor)}`} role="presentation">
        <span>{row.stage.title}</span>
      </div>
    );
  }
  const { step } = row;
  const arrow = arrowOf(lanes, step);
  const [left, right] = [Math.min(arrow.from, arrow.to), Math.max(arrow.from, arrow.to)];
  const state = step.index === current ? 'current' : step.index < current ? 'past' : 'future';
  return (
    <div
      id={`step-${step.index}`}
      class={`step-row ${state} party-${arrow.party} ${arrow.refused ? 'refused' : ''}`}
      role="option"
      tabIndex={-1}
      aria-selected={step.index === current}
      aria-setsize={total}
      aria-posinset={step.index + 1}
      aria-label={`${step.index + 1}. ${step.title}`}
      style={{ '--lanes': lanes.length, '--left': left, '--right': right }}
      onClick={() => onStep(step.index)}
    >
      <span class={`arrow-label ${left === lanes.length - 1 ? 'to-the-left' : ''}`}>
        {arrow.refused && <b aria-hidden="true">✘ </b>}
        {shortTitle(step)}
      </span>
      {left === right ? (
        <span class="dot" />
      ) : (
        <span
          class={`arrow ${arrow.to > arrow.from ? 'rightward' : 'leftward'} ${arrow.noise ? 'noise' : ''}`}
        />
      )}
      {arrow.aside && (
        <span
          class={`arrow-aside ${arrow.aside.noise ? 'noise' : ''}`}
          style={{ '--left': arrow.aside.from, '--right': arrow.aside.to }}
        />
      )}
    </div>
  );
}
